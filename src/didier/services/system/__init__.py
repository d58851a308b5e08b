"""The installation itself: doctor, demonstration, servers, idempotency, key."""
