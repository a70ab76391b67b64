"""Deliver: claim what is due, check it against the facts, send it, record the outcome."""
