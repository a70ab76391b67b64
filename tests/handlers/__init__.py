"""The rules of a shop, as a specification: no database, no clock, no channel."""
