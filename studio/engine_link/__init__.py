"""The studio's one connection to the engine's worker processes."""
