"""Playing and recording: the player, its sources, the loudspeaker and the microphone."""
