"""SQL and nothing above it: rows in, domain values out."""
