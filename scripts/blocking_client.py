"""Writes the blocking clients from the awaiting ones; with --check says only where they differ from that.

httpcore keeps its two sides alike with such a script. unasync drops ``async`` and ``await`` and replaces
names; it leaves docstrings and comments as they are, so those of the awaiting clients are worded for both.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import unasync

CLIENT = Path("src/didier/client")

HEADER = "# Generated from {source} by `make client`: change that file, not this one.\n"

NAMES = {
    "AsyncBaseTransport": "BaseTransport",
    "AsyncBatch": "Batch",
    "AsyncClient": "Client",
    "AsyncConnection": "Connection",
    "AsyncDestinations": "Destinations",
    "AsyncDidier": "Didier",
    "AsyncPreview": "Preview",
    "AsyncSleep": "Sleep",
    "AsyncVicidialClient": "VicidialClient",
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
    "aiter_lines": "iter_lines",
    "aread": "read",
    "asyncio": "time",
    "awaiting": "blocking",
}


def written() -> dict[Path, str]:
    """Return the blocking clients' files and what stands in them."""
    sources = sorted({*CLIENT.rglob("awaiting.py"), *CLIENT.rglob("awaiting/*.py")})
    with tempfile.TemporaryDirectory() as directory:
        rule = unasync.Rule(f"{CLIENT}/", f"{directory}/", NAMES)
        unasync.unasync_files(map(str, sources), [rule])
        ruff("check", "--fix", "--unsafe-fixes", "--select=I,SIM117,UP028", directory)
        ruff("format", directory)
        return {
            Path(str(source).replace("awaiting", "blocking")): HEADER.format(source=source)
            + Path(directory, source.relative_to(CLIENT)).read_text()
            for source in sources
        }


def ruff(*arguments: str) -> None:
    """Run ruff with the project's settings: imports come in another order, and lines become shorter."""
    subprocess.run(
        [Path(sys.executable).with_name("ruff"), *arguments, "--config=pyproject.toml", "--quiet"], check=True
    )


def main() -> None:
    """Write the files, or name those that differ and fail."""
    files = written()
    found = {*CLIENT.rglob("blocking.py"), *CLIENT.rglob("blocking/*.py")}
    differing = [path for path, text in files.items() if path not in found or path.read_text() != text]
    stale = sorted(found - files.keys())
    if "--check" in sys.argv:
        if differing or stale:
            sys.exit(f"not as `make client` writes it: {', '.join(map(str, [*differing, *stale]))}")
        return
    for path in differing:
        path.parent.mkdir(exist_ok=True)
        path.write_text(files[path])
    for path in stale:
        path.unlink()


if __name__ == "__main__":
    main()
