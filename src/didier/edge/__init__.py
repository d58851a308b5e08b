"""Agents beside other systems: they follow the changes by the client library, and keep what they need."""
