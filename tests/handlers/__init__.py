"""What the shop does, as a specification: no database, no clock, no channel."""
