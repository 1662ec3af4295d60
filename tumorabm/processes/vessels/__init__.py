"""Endothelium: survival, sprouting, regrowth along sleeves, perfusion."""
