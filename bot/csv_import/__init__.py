"""Taking in buyers and orders from a CSV file, whole or not at all."""
