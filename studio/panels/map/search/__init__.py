"""Search on a map: by name or label, and by nearness in the latent space."""
