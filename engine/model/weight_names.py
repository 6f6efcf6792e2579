"""Weight names: what files call the parameters and buffers of a model, whatever the modules call them today.

Files of all versions have the same names, so old files open in new programs and new files in old ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

# From a part of a module's name to the same part of a file's.
_RENAMED = {
    ".running_var": ".running_variance",
    "attribute_heads.h_from_timbre.": "h_of_levels.",
    "attribute_heads.timbre_from_h.": "levels_of_h.",
    "attribute_heads.m_from_prosody.": "m_of_levels.",
    "attribute_heads.prosody_from_m.": "levels_of_m.",
    "attribute_heads.class_weights": "sound_weights",
    "attribute_heads.class_means": "sound_means",
    "attribute_heads.class_variances": "sound_variances",
    "attribute_heads.class_offsets": "sound_offsets",
    "attribute_heads.spread": "sound_spread",
}
_NOT_STORED = ".num_batches_tracked"  # torch counts the batches of a norm; with a fixed momentum nothing asks


def to_file(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A module's state dict under the names that files have."""
    return {_replaced(name, _RENAMED): value for name, value in state.items() if not name.endswith(_NOT_STORED)}


def from_file(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `to_file`: what load_state_dict takes."""
    back = {theirs: ours for ours, theirs in _RENAMED.items()}
    return {_replaced(name, back): value for name, value in stored.items()}


def _replaced(name: str, parts: Mapping[str, str]) -> str:
    for old, new in parts.items():
        name = name.replace(old, new)
    return name
