"""Resistance of tumor cells: what they hold of drugs, and what that does to them."""
