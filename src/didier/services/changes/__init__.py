"""What was changed: recorded, and read again as history and as logs."""
