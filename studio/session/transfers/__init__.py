"""Transfers: what is set up, rendered, kept as takes, and made again."""
