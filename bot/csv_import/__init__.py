"""Taking in buyers, orders and products from a CSV file, whole or not at all."""
