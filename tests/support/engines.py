"""Engines of their own: what another process, or the next start, sees of a database."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Engine

from didier.storage.database import open_engine


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Yield a new engine, which remembers nothing of the tables at *url*."""
    engine = open_engine(url)
    yield engine
    engine.dispose()
