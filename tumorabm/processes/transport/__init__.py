"""Where substrates come from, where they go, and the solution of their equations."""
