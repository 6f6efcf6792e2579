"""Training: the loop, its steps, the plan, the recorder and the saved state."""
