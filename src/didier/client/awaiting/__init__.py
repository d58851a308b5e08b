"""The client of Didier's JSON API."""

from didier.client.awaiting.client import AsyncBatch, AsyncDidier, AsyncPreview

__all__ = ["AsyncBatch", "AsyncDidier", "AsyncPreview"]
