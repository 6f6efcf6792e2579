"""The recordings of the open project: the library, what comes into it, what leaves it."""
