"""The command line: real processes."""
