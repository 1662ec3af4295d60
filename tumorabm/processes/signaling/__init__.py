"""From concentrations to signals inside cells."""
