"""Scatter plot of a map."""
