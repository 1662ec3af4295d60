"""From a prescription to the concentrations in plasma: dose times, and disposition between them."""
