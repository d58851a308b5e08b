# Generated from src/didier/client/awaiting/__init__.py by `make client`: change that file, not this one.
"""The client of Didier's JSON API, and the values that ask the server."""

from didier.client.blocking.batches import Batch, Preview
from didier.client.blocking.client import Didier
from didier.client.blocking.destinations import Destinations

__all__ = ["Batch", "Destinations", "Didier", "Preview"]
