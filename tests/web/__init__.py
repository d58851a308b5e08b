"""Didier over HTTP: a running server and real requests."""
