"""Training runs, their auditions, and listening to their checkpoints."""
