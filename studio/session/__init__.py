"""The state of the open project, one subject a file."""
