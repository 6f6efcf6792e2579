"""Crops of a corpus for training, in memory or on a GPU, and the clips set apart for probes."""
