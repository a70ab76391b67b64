"""Measurements: what durability costs, as ratios to a bare server within one run."""
