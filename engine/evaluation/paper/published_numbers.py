"""The numbers printed in the paper (Almotlak et al., ICANN 2020), beside which ours are put, and its slips.

Speaker ID and gender in percent on LibriSpeech train-clean-100, 251 speakers, same session; CCC on OMG-Emotion.
"""

from __future__ import annotations

# Table 1: a linear classifier of 251 speakers. (system, latent): (percent, deviation or None)
SPEAKER = {
    ("two-auxiliary", "h"): (99.86, 0.05),
    ("two-auxiliary", "m"): (98.30, 0.20),
    ("two-auxiliary", "z"): (99.68, 0.08),
    ("one-auxiliary", "h"): (95.3, None),
    ("one-auxiliary", "z"): (98.1, None),
    ("cpc", "c"): (97.4, None),
    ("supervised", "h"): (98.5, None),
}
GENDER = {"h": 97.66, "m": 96.34, "z": 98.14}
# Table 2: (property, latent): (CCC after training on the squared error, on 1 - CCC)
EMOTION = {
    ("arousal", "h"): (0.14668, 0.33457),
    ("arousal", "m"): (0.30027, 0.3531),
    ("arousal", "z"): (0.26032, 0.32033),
    ("valence", "h"): (0.30452, 0.34355),
    ("valence", "m"): (0.36961, 0.37399),
    ("valence", "z"): (0.30650, 0.36010),
}
# Table 3: others on OMG-Emotion. name: (arousal, valence)
OTHERS = {
    "audEERING": (0.2925, 0.3611),
    "ExCouple": (0.182, 0.211),
    "Peng et al.": (0.1879, 0.256),
    "Deng et al.": (0.273, 0.266),
    "Pereira et al.": (0.17, 0.16),
    "OMG baseline": (0.15, 0.21),
}
# What table 3 prints for the paper's own m, and what table 2 says it should be.
PRINTED_AROUSAL_OF_M = 0.36961
AROUSAL_OF_M = 0.3531
VALENCE_OF_M = 0.37399

SLIPS = (
    f"Table 3 of the paper prints {PRINTED_AROUSAL_OF_M} as m's arousal. That is table 2's cell of m's valence "
    f"after training on the squared error; table 2's arousal of m is {AROUSAL_OF_M} (CCC training), "
    "which stands here.",
    "The paper's text swaps the two definitions: arousal is calm to excited, valence is unpleasant to pleasant. "
    "The tables here use them so.",
    "The paper's CCC is a mean over batches of 32 clips; ours is pooled over all tested clips, beside the mean "
    "over the sessions (videos), which the challenge's own scorer takes.",
    "The paper's speaker ID tests utterances of chapters that are in training too (same session), 4-second pieces "
    "alone. Here it stands beside verification of voices that no system was trained on.",
)
