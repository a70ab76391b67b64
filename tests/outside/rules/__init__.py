"""The promises, each a pure function from a history to what broke it; written from the specification only."""
