"""Coverage-guided fuzzing of everything that strangers or sellers write. `python -m tests.fuzz`."""
