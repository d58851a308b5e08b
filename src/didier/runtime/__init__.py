"""What one process has, whatever protocols it speaks."""
