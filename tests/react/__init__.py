"""Tests of the react leg."""
