"""An optional replicated log (NATS JetStream) in front of the inbox, so that a rush of deliveries can be
answered before the database has stored them."""
