"""What leaves the program: tables of latents, figures, text tables."""
