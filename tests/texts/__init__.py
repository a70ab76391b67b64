"""Tests of the words for buyers."""
