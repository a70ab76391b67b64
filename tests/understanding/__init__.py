"""What buyers mean, and how it is learned."""
