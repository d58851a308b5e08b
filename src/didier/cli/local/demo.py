"""Makes the demonstration's database anew, for `didier demo reset`."""

import tempfile
from datetime import datetime
from pathlib import Path

from didier.cli.local import backups
from didier.cli.local.serving import DEMO_DATABASE
from didier.errors import DatabaseInUse
from didier.services.system import demo
from didier.storage import migrations
from didier.storage.database import open_engine, parse_url, reading


def place(url: str | None) -> Path:
    """Return the file of the demonstration; raise `DatabaseInUse` for any other database."""
    file = backups.database(url or DEMO_DATABASE)
    engine = open_engine(_url(file))
    with reading(engine) as conn:
        is_demo = migrations.revision(conn) is not None and demo.is_demo(conn)
    engine.dispose()
    if not is_demo:
        raise DatabaseInUse(f"{file} was not made by 'didier serve --demo': nothing was changed")
    return file


def reset(file: Path) -> Path | None:
    """Put a new demonstration in the place of *file*; return where what was there is."""
    with tempfile.TemporaryDirectory(dir=file.parent) as directory:
        new = Path(directory) / "new.db"
        engine = open_engine(_url(new), create=True)
        migrations.upgrade(engine)
        with engine.begin() as conn:
            demo.fill(conn, datetime.now(), furnished=True)
        engine.dispose()
        _, kept = backups.restore(_url(file), new, lambda *_: None)
    return kept


def _url(file: Path) -> str:
    return parse_url(DEMO_DATABASE).set(database=str(file)).render_as_string()
