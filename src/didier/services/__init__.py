"""One verb, one function: ``(connection, orders) -> outcomes``."""
