"""What reports read of DIDs, range by range of their ids."""
