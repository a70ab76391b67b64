"""Bank statements: read in each bank's own form, and matched with the orders that wait for money."""
