"""The systems of the paper's table 1, one a file, all trained by one loop and read by one probe.

two-auxiliary   h, m, z: the model itself (engine/model/aux_vae.py)
one-auxiliary   h, z: Springenberg et al. 2019
vae             z: no auxiliaries
cpc             c: contrastive predictive coding, van den Oord et al. 2018
supervised      h: the global network, given the speakers' names
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.api.errors import SpecError
from engine.api.specs import ModelSpec, TrainSpec
from engine.model import objective
from engine.model.aux_vae import AuxVAE
from engine.model.baselines.base import System
from engine.model.baselines.cpc import ContrastivePredictiveCoding
from engine.model.baselines.one_auxiliary import OneAuxiliary, PlainVAE
from engine.model.baselines.supervised import Supervised
from engine.model.batch_context import SINGLE_PROCESS, BatchContext
from engine.model.objective import Terms
from engine.model.streaming import InputsOf, encode_stream
from engine.model.timescale.inputs import NetworkInputs

Network = AuxVAE | System

_SYSTEMS: dict[str, type[System]] = {
    "one-auxiliary": OneAuxiliary,
    "vae": PlainVAE,
    "cpc": ContrastivePredictiveCoding,
    "supervised": Supervised,
}


def build(spec: ModelSpec) -> Network:
    """The network that spec.system names, with fresh weights.

    Raises:
        SpecError: its sizes make no network.
    """
    if spec.system == "two-auxiliary":
        return AuxVAE(spec)
    if spec.system not in _SYSTEMS:
        raise SpecError(f"There is no system called {spec.system!r}.", "Choose another.", "system")
    return _SYSTEMS[spec.system](spec)


def terms(
    model: Network,
    inputs: NetworkInputs,
    spec: TrainSpec,
    *,
    lengths: Tensor | None = None,
    generator: torch.Generator | None = None,
    speakers: Tensor | None = None,
    context: BatchContext = SINGLE_PROCESS,
) -> Terms:
    """What a training step maximises, whatever the system.

    Args:
        speakers: (batch,) number of each piece's speaker, -1 where it has no name; only `supervised` looks.
        context: of a batch that several processes share; only the Aux-VAE is trained so.
    """
    if isinstance(model, AuxVAE):
        return objective.terms(model, inputs, spec, lengths=lengths, generator=generator, context=context)
    return model.terms(inputs, spec, lengths=lengths, generator=generator, speakers=speakers)


@torch.no_grad()
def vectors(model: Network, inputs_of: InputsOf, frames: int, *, chunk_windows: int = 60) -> dict[str, Tensor]:
    """One vector a latent for a whole clip, (latent,): h as it is, of the others the mean over time.

    Args:
        inputs_of: inputs_of(start, stop) gives the frames [start, stop) of the clip; see encode_stream.
    """
    if not isinstance(model, AuxVAE):
        return model.vectors(inputs_of, frames, chunk_windows * model.spec.window_frames)
    latents = encode_stream(model, inputs_of, frames, chunk_windows=chunk_windows)
    total = torch.zeros(model.spec.latent, dtype=torch.float64, device=model.band_mean.device)
    for part in latents.z:
        total += part.double().sum(dim=0)
    return {"h": latents.h.float(), "m": latents.m.float().mean(dim=0), "z": (total / frames).float()}
