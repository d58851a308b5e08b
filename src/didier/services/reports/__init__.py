"""What the DIDs themselves are found to be, over all of them: reports that read no calls."""
