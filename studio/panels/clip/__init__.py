"""The clip view: waveform, spectrogram and the lane of seconds."""
