"""The engine: knows platforms and clocks, knows no shop's rules."""
