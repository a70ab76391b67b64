"""The audit: checks the promises over the whole database."""
