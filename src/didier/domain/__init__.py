"""Pure rules: no database, no web, no clock."""
