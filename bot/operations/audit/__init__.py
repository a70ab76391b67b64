"""The promises, proved again over the whole database."""
