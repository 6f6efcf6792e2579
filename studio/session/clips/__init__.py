"""The recordings of the open project: the library, and what comes into it."""
