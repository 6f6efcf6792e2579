"""The timescale recipe: what each network's input leaves out, and how it is put back."""
