"""Two systems from the package registry, for rows of comparison: never needed, never installed by us.

Resemblyzer: a speaker encoder trained on thousands of labelled voices. openSMILE: the 88 functionals of eGeMAPS.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engine.api.errors import EngineError

Judge = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
PACKAGES = {"Resemblyzer": "resemblyzer", "eGeMAPS (openSMILE)": "opensmile"}
RATE_HZ = 16_000


def judge(name: str) -> Judge:
    """A function from a mono wave at 16 kHz (samples,) to a vector (dimensions,).

    Raises:
        EngineError: its package is not installed.
    """
    package = PACKAGES[name]
    if importlib.util.find_spec(package) is None:
        raise EngineError(f"The package {package} is not installed.", f"pip install {package}, then run it again.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages that are not ours
        try:
            return _resemblyzer() if package == "resemblyzer" else _opensmile()
        except ImportError as error:
            raise EngineError(
                f"The package {package} is installed but incomplete: {error}.",
                f"pip install {package}, then again.",
            ) from error


def _resemblyzer() -> Judge:
    from resemblyzer import VoiceEncoder, preprocess_wav

    encoder = VoiceEncoder("cpu", verbose=False)

    def predicted(wave: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ready = preprocess_wav(wave, RATE_HZ)
            return np.asarray(encoder.embed_utterance(ready if len(ready) else wave), np.float32)

    return predicted


def _opensmile() -> Judge:
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)

    def predicted(wave: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = smile.process_signal(wave, RATE_HZ).to_numpy()[0]
        return np.nan_to_num(np.asarray(values, np.float32))

    return predicted
