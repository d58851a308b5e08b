"""The client of Didier's JSON API, and the values that ask the server."""

from didier.client.awaiting.batches import AsyncBatch, AsyncPreview
from didier.client.awaiting.client import AsyncDidier
from didier.client.awaiting.destinations import AsyncDestinations

__all__ = ["AsyncBatch", "AsyncDestinations", "AsyncDidier", "AsyncPreview"]
