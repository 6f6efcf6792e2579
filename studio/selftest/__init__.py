"""The program's check of itself: the main job done once without a person."""
