"""The points of a map: which clip or second each is, what is said of it and done with it."""
