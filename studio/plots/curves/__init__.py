"""Curves of a training run."""
