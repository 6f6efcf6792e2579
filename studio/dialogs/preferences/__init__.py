"""The preferences dialog and its pages."""
