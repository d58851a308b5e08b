"""Reports over all DIDs: duplicates, and copies that differ from their source."""
