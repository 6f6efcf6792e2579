"""The library of clips."""
