"""HTTP: read, call, word."""
