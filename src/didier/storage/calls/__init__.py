"""What deciding on calls reads, and the rows that calls leave."""
