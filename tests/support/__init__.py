"""What tests have in common: servers, databases, and saying loudly what is missing."""
