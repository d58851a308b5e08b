"""Batches, their items and their progress."""
