"""Reading config.yaml: lines, environment, and every mistake told at once."""
