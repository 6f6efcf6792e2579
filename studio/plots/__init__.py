"""Plots drawn live: curves, waveforms, spectrograms."""
