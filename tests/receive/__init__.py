"""Tests of the receive leg."""
