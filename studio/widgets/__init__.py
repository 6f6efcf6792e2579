"""Widgets that know nothing of sessions: labels, chips, forms, drop zones."""
