"""Matrix products at the precision that pays, and the hyperbolic tangent that follows them.

Training in bfloat16 runs under torch.autocast: products over frames take bfloat16 and add up in float32. Two things
autocast does badly on a processor are done here instead:

* its tanh of bfloat16 numbers takes five times as long as of float32 ones, so the tangent is taken of the product
  before it is rounded, where oneDNN can in the same pass, else in float32;
* products over a few rows (one a clip, one a window) gain nothing from bfloat16 and stay in float32.

What lies between two products then goes through memory once (engine/kernels.py), where a single thread trains.

In float32 everything here is `torch.tanh(linear(x) + added)` and nothing else.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast

import torch
from torch import Tensor, nn

_FEW_ROWS = 512
WORTHWHILE = 1 << 17  # numbers that a loop of engine/kernels.py must go through to be worth its loading

_Fused = Callable[[Tensor, Tensor, Tensor, str, list[float], str], Tensor]


@functools.cache
def bfloat16_pays(kind: str) -> bool:
    """Whether a device of this kind ("cuda", "cpu", ...) multiplies bfloat16 faster than float32."""
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    able = torch.cpu.get_capabilities()
    return kind == "cpu" and bool(able.get("amx_bf16") or able.get("avx512_bf16"))


def loops(x: Tensor) -> ModuleType | None:
    """engine.kernels where its loops serve to train on x, else None: they know one thread and one kind of number.

    It is imported when it is first needed: that takes a second, and who only analyses has no use for it.
    """
    serves = (
        torch.is_grad_enabled()
        and x.numel() >= WORTHWHILE
        and _in_bfloat16(x)
        and torch.get_num_threads() == 1
        and not torch.compiler.is_compiling()
    )
    return _kernels() if serves else None


def get_loops_ready(numbers: float) -> None:
    """Load, and where it is the first time compile, what training on so many numbers at a time will need."""
    if numbers >= WORTHWHILE:
        _kernels()


@functools.cache
def _kernels() -> ModuleType:
    return importlib.import_module("engine.kernels")


class Product(nn.Linear):
    """A linear layer whose products over few rows stay in float32, whatever autocast says."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        if x.numel() < _FEW_ROWS * self.in_features and torch.is_autocast_enabled(x.device.type):
            with torch.autocast(x.device.type, enabled=False):
                return super().forward(x.float())
        if _in_bfloat16(x) and self.bias is not None:
            return _product(x, self.weight, self.bias)
        return super().forward(x)


def tanh_of_product(layer: Product, x: Tensor, added: Tensor | None, *, kernel: int, window: int) -> Tensor:
    """tanh(layer(x) + added): `kernel` neighbouring frames stacked, one vector added for every `window` frames.

    Args:
        x: (batch, frames, inputs / kernel).
        added: (batch, windows, outputs), or (batch, 1, outputs) for the same vector at every frame, or None.
    """
    x = with_neighbours(x, kernel)
    if _in_bfloat16(x):
        return _product(x, layer.weight, layer.bias, added, window, tangent=True)
    y: Tensor = layer(x)
    return torch.tanh(y if added is None else y + _at_frames(added, window, x.shape[1]))


def with_neighbours(x: Tensor, kernel: int) -> Tensor:
    """(batch, frames, channels) -> (batch, frames, kernel * channels): each frame with those around it."""
    if kernel == 1:
        return x
    found: Tensor = _Neighbours.apply(rounded_for_products(x), kernel, loops(x))  # type: ignore[no-untyped-call]
    return found


def _product(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    added: Tensor | None = None,
    window: int = 1,
    *,
    tangent: bool = False,
) -> Tensor:
    by = loops(x)
    found: Tensor = _Product.apply(x, weight, bias, added, window, tangent, by)  # type: ignore[no-untyped-call]
    return found


def rounded_for_products(x: Tensor) -> Tensor:
    """x as products take it here: rounded once for several that share it."""
    return x.bfloat16() if _in_bfloat16(x) else x


def mean_over_frames(x: Tensor, window: int) -> Tensor:
    """Means of every `window` frames, in float32: (batch, windows * window, channels) -> (batch, windows, ...)."""
    if x.dtype == torch.bfloat16 and x.device.type == "cpu":
        found: Tensor = _MeanOverFrames.apply(x, window)  # type: ignore[no-untyped-call]
        return found
    return x.float().view(len(x), -1, window, x.shape[-1]).mean(dim=2)


def _in_bfloat16(x: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
    )


def _at_frames(added: Tensor, window: int, frames: int) -> Tensor:
    """(batch, windows or 1, channels) -> broadcastable to (batch, frames, channels)."""
    if added.shape[1] == 1:
        return added
    return added[:, :, None].expand(-1, -1, window, -1).flatten(1, 2)[:, :frames]


class _Neighbours(torch.autograd.Function):
    """Zeros stand beyond the ends. The same as padding and joining slices, without their copies."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: int, by: ModuleType | None) -> Tensor:
        batch, frames, channels = x.shape
        ctx.kernel, ctx.by = kernel, by
        stacked = x.new_empty(batch, frames, kernel, channels)
        if by is not None:
            by.neighbours(by.bits(x.contiguous()), frames, kernel, by.bits(stacked.flatten(2)))
            return stacked.flatten(2)
        for tap, (to, of) in enumerate(_shifts(kernel, frames)):
            stacked[:, to, tap] = x[:, of]
            stacked[:, : to.start, tap] = 0.0
            stacked[:, to.stop :, tap] = 0.0
        return stacked.flatten(2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        batch, frames, stacked = gradient.shape
        by_tap = gradient.view(batch, frames, ctx.kernel, stacked // ctx.kernel)
        if ctx.by is not None:
            to_x = torch.empty_like(by_tap[:, :, 0], memory_format=torch.contiguous_format)
            ctx.by.neighbours_gradient(ctx.by.bits(gradient.contiguous()), frames, ctx.kernel, ctx.by.bits(to_x))
            return to_x, None, None
        to_x = by_tap[:, :, ctx.kernel // 2].clone()
        for tap, (to, of) in enumerate(_shifts(ctx.kernel, frames)):
            if tap != ctx.kernel // 2:
                to_x[:, of] += by_tap[:, to, tap]
        return to_x, None, None


def _shifts(kernel: int, frames: int) -> Iterator[tuple[slice, slice]]:
    """For every tap, the frames that have such a neighbour and the neighbours."""
    for shift in range(-(kernel // 2), kernel // 2 + 1):
        first, last = min(max(0, -shift), frames), max(min(frames, frames - shift), 0)
        last = max(first, last)
        yield slice(first, last), slice(first + shift, last + shift) if last > first else slice(0, 0)


@dataclass(frozen=True)
class Factors:
    """The two factors of a bfloat16 product of one layer on a processor, and the gradients that go back to them.

    What is added at the frames of a window is part of the product: x is given a column for every window, 1 at its
    frames and 0 elsewhere, and the weight of that column is what is added. So one pass does it all, and the
    gradient of what is added comes with that of the weights. The bias is added in float32, before the one rounding.

    Args:
        x: (batch, frames, inputs and a column for every window), bfloat16. weight: (outputs, the same), bfloat16.
        dtype: of what x was rounded from. inputs: of the layer. added: the shape of what is added, or None.
    """

    x: Tensor
    weight: Tensor
    dtype: torch.dtype
    inputs: int
    added: torch.Size | None

    @property
    def rest(self) -> tuple[torch.dtype, int, torch.Size | None]:
        """What is not a tensor."""
        return self.dtype, self.inputs, self.added

    @classmethod
    def of(cls, x: Tensor, weight: Tensor, added: Tensor | None, window: int, by: ModuleType | None) -> Factors:
        half, half_weight = x.bfloat16(), weight.bfloat16()
        if added is not None:
            half = _beside_windows(half, added.shape[1], window, by)
            half_weight = torch.cat((half_weight, added.flatten(0, 1).t().bfloat16()), dim=-1)
        return cls(half, half_weight, x.dtype, x.shape[-1], None if added is None else added.shape)

    def product(self, bias: Tensor, *, tangent: bool) -> Tensor:
        """x weight' + bias, or its hyperbolic tangent: (batch, frames, outputs), bfloat16."""
        fused = _fused()
        if fused is not None:
            return fused(self.x, self.weight, bias, "tanh" if tangent else "none", [], "")
        y = nn.functional.linear(self.x, self.weight).float() + bias
        return (torch.tanh(y) if tangent else y).bfloat16()

    def gradients(self, rows: Tensor, *, wants_x: bool) -> tuple[Tensor | None, Tensor, Tensor | None]:
        """To x, to the layer's weight and to what was added, of the product's own (n, outputs), bfloat16."""
        to_x = None
        if wants_x:
            to_x = (rows @ self.weight[:, : self.inputs]).view(*self.x.shape[:-1], self.inputs).to(self.dtype)
        to_both = rows.t() @ self.x.flatten(0, -2)
        to_added = None if self.added is None else to_both[:, self.inputs :].t().float().reshape(self.added)
        return to_x, to_both[:, : self.inputs].float(), to_added


class _Product(torch.autograd.Function):
    """A bfloat16 product both ways; gradients of weights in float32."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        added: Tensor | None,
        window: int,
        tangent: bool,
        by: ModuleType | None,
    ) -> Tensor:
        factors = Factors.of(x, weight, added, window, by)
        y = factors.product(bias, tangent=tangent)
        ctx.save_for_backward(factors.x, factors.weight, y if tangent else None)
        ctx.rest, ctx.by = factors.rest, by
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        half, half_weight, y = ctx.saved_tensors
        gradient = gradient.bfloat16()
        if (by := ctx.by) is not None:
            gradient, sums = gradient.contiguous(), torch.empty(gradient.shape[-1], dtype=torch.float64)
            rows = gradient if y is None else torch.empty_like(y)
            if y is None:
                by.column_sums(by.bits(rows), sums.numpy())
            else:
                by.tanh_gradient(by.bits(gradient), by.bits(y), by.bits(rows), sums.numpy())
            rows, to_bias = rows.flatten(0, -2), sums.float()
        else:
            rows = (gradient if y is None else torch.ops.aten.tanh_backward(gradient, y)).flatten(0, -2)
            to_bias = rows.sum(dim=0).float()  # added up in float32 inside
        to_x, to_weight, to_added = Factors(half, half_weight, *ctx.rest).gradients(
            rows, wants_x=ctx.needs_input_grad[0]
        )
        return to_x, to_weight, to_bias, to_added, None, None, None


def _beside_windows(x: Tensor, windows: int, window: int, by: ModuleType | None) -> Tensor:
    """x (batch, frames, channels) beside (batch, frames, batch * windows): which window of which clip a frame lies
    in."""
    batch, frames, channels = x.shape
    if by is not None:
        joined = x.new_empty(batch, frames, channels + batch * windows)
        by.beside_windows(by.bits(x.contiguous()), frames, window, windows, by.bits(joined))
        return joined
    number = torch.arange(frames) // window if windows > 1 else torch.zeros(frames, dtype=torch.long)
    at = number + windows * torch.arange(batch)[:, None]
    columns = x.new_zeros(batch, frames, batch * windows).scatter_(-1, at[..., None], 1.0)
    return torch.cat((x, columns), dim=-1)


class _MeanOverFrames(torch.autograd.Function):
    """Means of bfloat16 numbers, added up in float32 clip by clip: a copy of all would not fit the cache."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, window: int) -> Tensor:
        ctx.window, ctx.dtype = window, x.dtype
        return torch.stack([clip.float().unflatten(0, (-1, window)).mean(dim=1) for clip in x])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        each = (gradient / ctx.window).to(ctx.dtype)
        return each[:, :, None].expand(-1, -1, ctx.window, -1).flatten(1, 2), None


@functools.cache
def _fused() -> _Fused | None:
    """oneDNN's product with the tangent taken on the way out, where this torch has it."""
    return cast(_Fused | None, getattr(torch.ops.mkldnn, "_linear_pointwise", None))
