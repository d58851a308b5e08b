"""DIDs: looked up, their values checked, what may be seen of them."""
