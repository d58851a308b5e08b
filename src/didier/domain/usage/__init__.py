"""Calls counted: hours, what came of calls, and who called."""
