"""The transfer desk and the list of takes."""
