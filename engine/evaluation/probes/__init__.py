"""Linear probes: what can be read from h, m and z, beside two floors, with intervals and controls."""
