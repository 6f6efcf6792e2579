"""The model in use, and what is made with it: maps, probes, exports."""
