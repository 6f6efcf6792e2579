"""Cache of what was computed from recordings: one folder for all runs and projects, of limited size.

Everything is keyed by the content of the recording and by what was computed of it, so a recording that was moved,
renamed or touched is not computed again. Nothing here is precious: whatever is lost is computed once more.
"""
