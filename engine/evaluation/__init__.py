"""How well a model does: probes, the paper's tables, and auditions of checkpoints."""
