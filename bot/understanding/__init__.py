"""Understands what buyers write, as learned from example sentences: pure once loaded, without network."""
