"""Tests of the starters."""
