"""Faults on purpose: the real program killed, doubled, cut off from its database, and told wrong times."""
