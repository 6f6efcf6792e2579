"""The scatter plot of a map."""
