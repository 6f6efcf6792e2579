"""Linear probes: what can be read from h, m and z, beside two baselines, with intervals and controls."""
