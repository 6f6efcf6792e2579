"""What is computed of a recording: its sound, spectrogram, F0 and latents, stored for the window and the tables."""
