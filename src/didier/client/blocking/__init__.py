"""The client of Didier's JSON API."""

from didier.client.blocking.client import Batch, Didier, Preview

__all__ = ["Batch", "Didier", "Preview"]
