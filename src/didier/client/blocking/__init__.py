# Generated from src/didier/client/awaiting/__init__.py by `make client`: change that file, not this one.
"""The client of Didier's JSON API, and the values that ask the server."""

from didier.client.blocking.batches import Batch, Preview
from didier.client.blocking.client import Didier

__all__ = ["Batch", "Didier", "Preview"]
