"""The command line: ``didier``."""
