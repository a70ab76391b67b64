"""Tests of the deliver leg."""
