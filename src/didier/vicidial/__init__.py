"""VICIdial's Non-Agent API without HTTP: cleaned parameters in, worded replies out."""
