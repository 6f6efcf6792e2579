"""The dashboard of probes."""
