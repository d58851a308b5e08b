"""Statistics of calls, reports, dashboard."""
