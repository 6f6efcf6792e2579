"""Hearing a run while it trains: the part of the training panel that shows the audition set and the checkpoints."""
