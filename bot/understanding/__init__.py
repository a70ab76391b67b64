"""Understands what buyers write: learned from example sentences, pure once loaded, without network or clock."""
