"""The database itself: health, rights, backups, servers, kept answers."""
