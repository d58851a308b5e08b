"""What the numbers are used for: statistics of calls, reports, dashboard."""
