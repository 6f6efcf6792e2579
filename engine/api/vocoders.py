"""What makes a mel audible: engine.vocoder has the makers. A model names its own."""

from __future__ import annotations

VOCODERS = {
    "griffin-lim": "Griffin-Lim finds a phase that fits. It needs no training and works for any voice.",
    "refined": "A network first sharpens what the model blurs, then Griffin-Lim finds a phase that fits.",
}
OWN_VOCODER = "auto"  # asks for the one that the model names
FIRST_VOCODER = "griffin-lim"  # of models and takes that name none: there was no other
