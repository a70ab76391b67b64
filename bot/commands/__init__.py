"""The commands, a file for each thing that a seller or an operator wants to do."""
