"""The paper's experiments run again: models, tables 1 to 3, figures 2 and 3, the probe matrix, one report."""
