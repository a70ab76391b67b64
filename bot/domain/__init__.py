"""The pure model: what happened, what is known, what a shop wants. Imports nothing outside itself."""
