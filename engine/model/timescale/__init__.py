"""Normalisation by timescale: what each network's input leaves out, and how it is restored."""
