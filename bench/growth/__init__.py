"""What growth costs: the real program on small databases and on large ones, each against the smallest."""
