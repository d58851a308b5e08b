"""Calls: where they go, and what is kept of them."""
