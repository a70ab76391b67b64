"""The real program, and strangers who mean it ill."""
