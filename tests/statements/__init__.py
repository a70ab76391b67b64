"""Bank statements: read, matched, counted once."""
