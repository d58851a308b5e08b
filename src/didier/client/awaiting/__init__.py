"""The client of Didier's JSON API, and the values that ask the server."""

from didier.client.awaiting.batches import AsyncBatch, AsyncPreview
from didier.client.awaiting.client import AsyncDidier

__all__ = ["AsyncBatch", "AsyncDidier", "AsyncPreview"]
