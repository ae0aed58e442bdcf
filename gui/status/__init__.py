"""How a run and its instrument are, and the button that withdraws the tip."""
