"""Coverage-guided fuzzing of everything that comes from outside or from sellers. `python -m tests.fuzz`."""
