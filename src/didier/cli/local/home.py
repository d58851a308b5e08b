"""A client of the local database: what a server would do is done in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from didier import config
from didier.cli.local import CALLER, open_database
from didier.cli.local.inprocess import InProcess
from didier.client import Didier
from didier.config import Settings
from didier.logging import configure
from didier.runtime.runtime import Runtime
from didier.web.app import create_app

ADDRESS = "http://localhost"


@contextmanager
def opened(database: str | None, astguiclient_conf: str | None, *, batches: bool = False) -> Iterator[Didier]:
    """Open a client of the database that the flags or the settings name.

    *batches*: large batches that wait are worked on at once, and not only once one is ordered.
    """
    engine = open_database(database, astguiclient_conf)
    # Nobody shares this server: there is no caller whose rate has to be limited.
    settings = config.load({"rate_limit": 0})
    _be_quiet(settings)
    runtime = Runtime(engine, settings)
    transport = InProcess(create_app(runtime), runtime.running(batches=batches), CALLER)
    with Didier(ADDRESS, transport=transport, timeout=None, retries=0) as client:
        yield client


def _be_quiet(settings: Settings) -> None:
    """Log only what was asked for: the commands themselves say what happened."""
    level = settings.log_level if "log_level" in settings.model_fields_set else "critical"
    configure(level, for_good=False)
