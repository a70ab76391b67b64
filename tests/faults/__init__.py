"""Fault injection: the real program killed, doubled, cut off from its database, and on a wrong clock."""
