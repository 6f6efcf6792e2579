"""The clip view: waveform, spectrogram and the row of seconds."""
