"""Corpora: found, labelled and listed in one Manifest whatever their layout, and a cache of their features."""
