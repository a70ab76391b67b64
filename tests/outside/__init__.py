"""A model checker that judges the program from outside, by what it was told and what was heard of it."""
