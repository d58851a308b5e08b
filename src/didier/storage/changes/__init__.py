"""History of DIDs, and VICIdial's logs."""
