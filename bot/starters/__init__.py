"""Starters: the files of a first shop, in each language."""
