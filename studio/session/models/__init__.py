"""The model in use, and what is made with models: maps, probes, runs, auditions."""
