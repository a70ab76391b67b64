"""What the shop does: pure functions, a file per moment in a buyer's life."""
