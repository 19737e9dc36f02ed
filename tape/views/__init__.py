"""A tape that has run, as plain data and in words."""
