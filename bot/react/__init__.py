"""React: open events become records and decisions."""
