"""Users, tokens, sessions, second factors."""
