"""What every part of the window uses: messages, preferences, folders, theme, shortcuts."""
