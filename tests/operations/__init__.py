"""Tests of running the program."""
