"""Tests of what the seller reads."""
