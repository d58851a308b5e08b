"""Users: who they are, what they may do, and how they sign in."""
