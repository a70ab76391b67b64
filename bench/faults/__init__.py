"""Faults on purpose, many times over and counted: what was acknowledged, lost, said twice, and not known."""
