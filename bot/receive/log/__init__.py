"""A replicated log in front of the inbox, for rushes: deliveries lie there until the database takes them."""
