"""Division, death, clearance and movement of the cells of the parenchyma."""
