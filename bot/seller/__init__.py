"""What the seller reads and settles: cases, explanations, sentences."""
