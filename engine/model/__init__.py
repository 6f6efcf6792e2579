"""The Aux-VAE: six networks, the objective, and the checkpoint file."""
