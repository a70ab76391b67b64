"""Receive: prove who sent a delivery, store it, and only then answer."""
