"""Sound files, their decoding and resampling, log-mels, F0, loudness, and the WORLD analysis."""
