"""Sweeps: many runs from one file, on any machine, with nothing lost."""
