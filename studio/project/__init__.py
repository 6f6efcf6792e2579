"""The project's files on disk: reading, writing, folders, disk usage."""
