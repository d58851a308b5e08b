"""DIDs: rows, sets of rows, pages, search, references."""
