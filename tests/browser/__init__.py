"""Didier in a real browser."""
