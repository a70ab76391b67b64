"""A shop's rules: pure functions from facts to actions, one file for each subject."""
