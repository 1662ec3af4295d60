"""Resistance of tumor cells: EMT, altered genotypes, what they hold of drugs, and what that costs them."""
