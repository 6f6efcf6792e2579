"""Training runs, their curves and auditions."""
