"""Services that every part of the window uses: messages, preferences, folders, theme, shortcuts."""
