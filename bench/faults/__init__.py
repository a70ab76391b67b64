"""Fault injection in many runs, counted: deliveries acknowledged, messages lost, doubled, or unknown."""
