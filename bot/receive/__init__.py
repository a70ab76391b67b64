"""Receive: verify a delivery, store it, and only then answer."""
