"""The map of latents."""
