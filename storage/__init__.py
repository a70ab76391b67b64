"""What the shop remembers: tables, and one module per aggregate."""
