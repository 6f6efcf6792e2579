"""Corpora: one file a layout, all of them to one Manifest, and a cache of what training needs of it."""
