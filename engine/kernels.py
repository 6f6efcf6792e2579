"""Loops over bfloat16 and float32 numbers, compiled by numba: what torch takes several passes through memory for.

A training step on a processor is half matrix products; the other half goes through the frames' numbers once for
every small operation between two products. Here each such part is one loop over rows (n, channels): every number is
fetched once, worked on in float32, and rounded once. All run in the thread that calls, without Python's lock.

numpy knows no bfloat16: a number comes as the upper half of a float32's bits, in an uint16 (`bits` makes such an
array of a tensor). Sums over many rows are float32 for `_TOGETHER` rows and float64 beyond.

To import this module loads what was compiled before (numba keeps it beside this file, or in the user's cache
folder), or compiles it, which takes some seconds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numba import njit, types

_TOGETHER = 64  # rows whose sums may be float32

_ONE = np.uint16(0x3F80)  # in bfloat16

_HALVES = types.Array(types.uint16, 2, "C")
_ROW = types.Array(types.float32, 1, "C")
_ROWS = types.Array(types.float32, 2, "C")
_SUMS = types.Array(types.float64, 1, "C")


def _compiled(*arguments: Any) -> Any:
    """A loop over arrays of these types. Sums keep their order; products may be fused into them."""
    options: dict[str, Any] = {
        "nogil": True,
        "fastmath": {"contract"},
        "error_model": "numpy",
        "boundscheck": False,
    }

    def compiled(loop: Any) -> Any:
        signature: Any = [types.void(*arguments)]
        try:
            return njit(signature, cache=True, **options)(loop)
        except RuntimeError:  # no folder can be written to, so every process compiles anew
            return njit(signature, **options)(loop)

    return compiled


def bits(rows: torch.Tensor) -> npt.NDArray[np.uint16]:
    """The bfloat16 numbers (..., channels) of a contiguous tensor as rows (n, channels): the same memory."""
    return rows.view(torch.uint16).flatten(0, -2).numpy()


@njit(inline="always")
def _wide(half: np.uint16) -> np.float32:
    """bfloat16 -> float32."""
    return np.uint32(np.uint32(half) << np.uint32(16)).view(np.float32)


@njit(inline="always")
def _half(wide: np.float32) -> np.uint16:
    """float32 -> the nearest bfloat16, of two equally near ones the even one. NaN stays NaN."""
    whole = np.float32(wide).view(np.uint32)
    odd = np.uint32(np.uint32(whole >> np.uint32(16)) & np.uint32(1))
    return np.uint16(np.uint32(whole + np.uint32(0x7FFF) + odd) >> np.uint32(16))


@njit(inline="always")
def _summed(values):  # type: ignore[no-untyped-def]
    """The sum of a row, sixteen strands at a time: one after the other it would wait for every addition."""
    n = len(values)
    strands = np.zeros(16, np.float32)
    for begin in range(0, n - 15, 16):
        for j in range(16):
            strands[j] += values[begin + j]
    for j in range(n - n % 16, n):
        strands[0] += values[j]
    total = np.float32(0.0)
    for j in range(16):
        total += strands[j]
    return total


# ------------------------------------------------------------------------------------------------ batch norm
@_compiled(_HALVES, _ROW, _SUMS, _SUMS)
def sums_about(rows, about, first, second):  # type: ignore[no-untyped-def]
    """Sums (channels,) of rows - about, and of its squares."""
    n, channels = rows.shape
    a, b = np.empty(channels, np.float32), np.empty(channels, np.float32)
    first[:], second[:] = 0.0, 0.0
    for begin in range(0, n, _TOGETHER):
        a[:], b[:] = 0.0, 0.0
        for i in range(begin, min(n, begin + _TOGETHER)):
            for j in range(channels):
                value = _wide(rows[i, j]) - about[j]
                a[j] += value
                b[j] += value * value
        for j in range(channels):
            first[j] += a[j]
            second[j] += b[j]


@_compiled(_HALVES, _ROW, _ROW, _HALVES)
def scaled_and_shifted(rows, scale, shift, out):  # type: ignore[no-untyped-def]
    """rows * scale + shift."""
    n, channels = rows.shape
    for i in range(n):
        for j in range(channels):
            out[i, j] = _half(_wide(rows[i, j]) * scale[j] + shift[j])


@_compiled(_HALVES, _HALVES, _ROW, _SUMS, _SUMS)
def norm_gradient_sums(gradient, rows, mean, first, second):  # type: ignore[no-untyped-def]
    """Sums (channels,) of the gradient, and of the gradient times rows - mean."""
    n, channels = rows.shape
    a, b = np.empty(channels, np.float32), np.empty(channels, np.float32)
    first[:], second[:] = 0.0, 0.0
    for begin in range(0, n, _TOGETHER):
        a[:], b[:] = 0.0, 0.0
        for i in range(begin, min(n, begin + _TOGETHER)):
            for j in range(channels):
                value = _wide(gradient[i, j])
                a[j] += value
                b[j] += value * (_wide(rows[i, j]) - mean[j])
        for j in range(channels):
            first[j] += a[j]
            second[j] += b[j]


@_compiled(_HALVES, _HALVES, _ROW, _ROW, _ROW, _HALVES, _SUMS)
def norm_and_tanh_gradient(gradient, rows, constant, by_gradient, by_rows, out, sums):  # type: ignore[no-untyped-def]
    """The gradient back through a norm and the tanh that gave it its rows, and its sums (channels,).

    (constant + by_gradient * gradient + by_rows * rows) * (1 - rows^2)
    """
    n, channels = rows.shape
    a = np.empty(channels, np.float32)
    sums[:] = 0.0
    for begin in range(0, n, _TOGETHER):
        a[:] = 0.0
        for i in range(begin, min(n, begin + _TOGETHER)):
            for j in range(channels):
                row = _wide(rows[i, j])
                value = constant[j] + by_gradient[j] * _wide(gradient[i, j]) + by_rows[j] * row
                value *= np.float32(1.0) - row * row
                out[i, j] = _half(value)
                a[j] += value
        for j in range(channels):
            sums[j] += a[j]


# ------------------------------------------------------------------------------------------------ means
@_compiled(_HALVES, types.int64, _ROW, _ROWS, _SUMS)
def window_sums_about(rows, window, about, sums, second):  # type: ignore[no-untyped-def]
    """Sums (windows, channels) of rows - about over every `window` rows, and (channels,) of its square over all."""
    windows, channels = sums.shape
    b = np.empty(channels, np.float32)
    second[:] = 0.0
    for at in range(windows):
        sums[at, :], b[:] = 0.0, 0.0
        for i in range(at * window, (at + 1) * window):
            for j in range(channels):
                value = _wide(rows[i, j]) - about[j]
                sums[at, j] += value
                b[j] += value * value
        for j in range(channels):
            second[j] += b[j]


@_compiled(_ROWS, _HALVES, types.int64, _ROW, _HALVES, _SUMS)
def means_gradient(of_windows, rows, window, by_rows, out, sums):  # type: ignore[no-untyped-def]
    """The gradient back through means of `window` rows and the tanh that gave the rows, and its sums (channels,).

    (of_windows + by_rows * rows) * (1 - rows^2), of_windows (windows, channels) the same in a window
    """
    windows, channels = of_windows.shape
    a = np.empty(channels, np.float32)
    sums[:] = 0.0
    for at in range(windows):
        a[:] = 0.0
        for i in range(at * window, (at + 1) * window):
            for j in range(channels):
                row = _wide(rows[i, j])
                value = (of_windows[at, j] + by_rows[j] * row) * (np.float32(1.0) - row * row)
                out[i, j] = _half(value)
                a[j] += value
        for j in range(channels):
            sums[j] += a[j]


# ------------------------------------------------------------------------------------------------ products
def tanh_gradient(
    gradient: npt.NDArray[np.uint16],
    rows: npt.NDArray[np.uint16],
    out: npt.NDArray[np.uint16],
    sums: npt.NDArray[np.float64],
) -> None:
    """The gradient back through a tanh that gave these rows, and its sums (channels,)."""
    nothing, all_of_it = np.zeros(rows.shape[1], np.float32), np.ones(rows.shape[1], np.float32)
    norm_and_tanh_gradient(gradient, rows, nothing, all_of_it, nothing, out, sums)


@_compiled(_HALVES, _SUMS)
def column_sums(rows, sums):  # type: ignore[no-untyped-def]
    """Sums (channels,) of rows."""
    n, channels = rows.shape
    a = np.empty(channels, np.float32)
    sums[:] = 0.0
    for begin in range(0, n, _TOGETHER):
        a[:] = 0.0
        for i in range(begin, min(n, begin + _TOGETHER)):
            for j in range(channels):
                a[j] += _wide(rows[i, j])
        for j in range(channels):
            sums[j] += a[j]


@_compiled(_HALVES, types.int64, types.int64, types.int64, _HALVES)
def beside_windows(rows, frames, window, windows, out):  # type: ignore[no-untyped-def]
    """Clips of `frames` rows, each beside a column for every window of every clip: 1 in its own, 0 elsewhere."""
    n, channels = rows.shape
    for i in range(n):
        for j in range(channels):
            out[i, j] = rows[i, j]
        for j in range(channels, out.shape[1]):
            out[i, j] = 0
        at = (i % frames) // window if windows > 1 else 0
        out[i, channels + (i // frames) * windows + at] = _ONE


@_compiled(_HALVES, types.int64, types.int64, _HALVES)
def neighbours(rows, frames, kernel, out):  # type: ignore[no-untyped-def]
    """Clips of `frames` rows -> (n, kernel * channels): each row beside those around it, zeros beyond the ends."""
    n, channels = rows.shape
    for i in range(n):
        at = i % frames
        for tap in range(kernel):
            shift = tap - kernel // 2
            place = tap * channels
            if 0 <= at + shift < frames:
                for j in range(channels):
                    out[i, place + j] = rows[i + shift, j]
            else:
                for j in range(channels):
                    out[i, place + j] = 0


@_compiled(_HALVES, types.int64, types.int64, _HALVES)
def neighbours_gradient(gradient, frames, kernel, out):  # type: ignore[no-untyped-def]
    """The gradient back through `neighbours`."""
    n, channels = out.shape
    total = np.empty(channels, np.float32)
    for i in range(n):
        at = i % frames
        total[:] = 0.0
        for tap in range(kernel):
            shift = kernel // 2 - tap
            if 0 <= at + shift < frames:
                place = tap * channels
                for j in range(channels):
                    total[j] += _wide(gradient[i + shift, place + j])
        for j in range(channels):
            out[i, j] = _half(total[j])


# ------------------------------------------------------------------------------------------------ reconstruction
@_compiled(_HALVES, _ROWS, _ROW)
def squared_distances(rows, target, out):  # type: ignore[no-untyped-def]
    """Sums of the squares of rows - target, one for each row."""
    n, channels = rows.shape
    squares = np.empty(channels, np.float32)
    for i in range(n):
        for j in range(channels):
            apart = _wide(rows[i, j]) - target[i, j]
            squares[j] = apart * apart
        out[i] = _summed(squares)


@_compiled(_HALVES, _ROWS, _ROW, _HALVES)
def squared_distances_gradient(rows, target, gradient, out):  # type: ignore[no-untyped-def]
    """The gradient back through `squared_distances` to its rows."""
    n, channels = rows.shape
    for i in range(n):
        twice = np.float32(2.0) * gradient[i]
        for j in range(channels):
            out[i, j] = _half(twice * (_wide(rows[i, j]) - target[i, j]))


# ------------------------------------------------------------------------------------------------ Gaussians
_LOG2_E = np.float32(1.0 / math.log(2.0))
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)


@njit(inline="always")
def _exp(x: np.float32) -> np.float32:
    """e^x within 2e-7 of itself, for -87 < x < 88, without a branch: so a loop of it runs many numbers at a time.

    2^n e^r with |r| <= ln 2 / 2, e^r by its series (Cody and Waite's reduction).
    """
    n = np.floor(x * _LOG2_E + np.float32(0.5))
    r = x - n * _LN2_HIGH - n * _LN2_LOW
    p = np.float32(1.0 / 720.0)
    p = p * r + np.float32(1.0 / 120.0)
    p = p * r + np.float32(1.0 / 24.0)
    p = p * r + np.float32(1.0 / 6.0)
    p = p * r + np.float32(0.5)
    p = p * r + np.float32(1.0)
    p = p * r + np.float32(1.0)
    power = np.uint32(np.uint32(np.int32(n) + np.int32(127)) << np.uint32(23)).view(np.float32)
    e: np.float32 = p * power
    return e


@njit(inline="always")
def _tanh(x: np.float32) -> np.float32:
    """tanh(x) within 2e-7."""
    far = min(max(x, np.float32(-10.0)), np.float32(10.0))  # it is 1 within 4e-9 from there on
    return np.float32(1.0) - np.float32(2.0) / (np.float32(1.0) + _exp(far + far))


@_compiled(_HALVES, _ROWS, types.float32, types.float32, _HALVES, _ROW, _ROW)
def drawn(raw, noise, middle, radius, value, squares, tangents):  # type: ignore[no-untyped-def]
    """A draw of Gaussians; see draws.drawn_with_sums, which makes the rest of these two sums of each row:

    squares: of mean^2 + variance. tangents: of the bound's tanh.
    """
    n, latent = noise.shape
    inverse, half = np.float32(1.0) / radius, radius * np.float32(0.5)
    c = np.float32(math.exp(middle / 2.0))
    t, d = np.empty(latent, np.float32), np.empty(latent, np.float32)
    for i in range(n):
        for j in range(latent):
            t[j] = _tanh((_wide(raw[i, latent + j]) - middle) * inverse)
        for j in range(latent):
            d[j] = c * _exp(half * t[j])
        for j in range(latent):
            mean = _wide(raw[i, j])
            value[i, j] = _half(mean + d[j] * noise[i, j])
            d[j] = mean * mean + d[j] * d[j]
        squares[i], tangents[i] = _summed(d), _summed(t)


@_compiled(_HALVES, _ROWS, types.float32, types.float32, _HALVES, _ROW, _ROW, _HALVES)
def drawn_gradient(raw, noise, middle, radius, to_value, to_expected, to_entropy, out):  # type: ignore[no-untyped-def]
    """The gradient back through `drawn` and what draws.drawn_with_sums makes of it."""
    n, latent = noise.shape
    inverse, half = np.float32(1.0) / radius, radius * np.float32(0.5)
    c = np.float32(math.exp(middle / 2.0))
    t, d = np.empty(latent, np.float32), np.empty(latent, np.float32)
    for i in range(n):
        of_expected, of_entropy = to_expected[i], np.float32(0.5) * to_entropy[i]
        for j in range(latent):
            t[j] = _tanh((_wide(raw[i, latent + j]) - middle) * inverse)
        for j in range(latent):
            d[j] = c * _exp(half * t[j])
        for j in range(latent):
            above = _wide(to_value[i, j])
            out[i, j] = _half(above - _wide(raw[i, j]) * of_expected)
            to_variance = of_entropy + np.float32(0.5) * d[j] * (above * noise[i, j] - d[j] * of_expected)
            out[i, latent + j] = _half(to_variance * (np.float32(1.0) - t[j] * t[j]))


# ------------------------------------------------------------------------------------------------ weights
@_compiled(_ROW, _ROW, _ROW, _ROW, _ROW, types.float32, types.float32, types.float32, types.float32, types.float32)
def adam(weights, gradient, more, mean, square, of_mean, of_square, eta, correction, epsilon):  # type: ignore[no-untyped-def]
    """A step of Adam (Kingma and Ba 2015) along gradient + more, as torch's does it.

    mean, square: running means of the gradient and of its square, of which of_mean and of_square stay. pace: the
    learning rate over 1 - of_mean^t. correction: the root of 1 - of_square^t.
    """
    inverse = np.float32(1.0) / correction
    for i in range(len(weights)):
        g = gradient[i] + more[i]
        m = mean[i] + (np.float32(1.0) - of_mean) * (g - mean[i])
        v = of_square * square[i] + (np.float32(1.0) - of_square) * g * g
        mean[i], square[i] = m, v
        weights[i] -= eta * m / (np.sqrt(v) * inverse + epsilon)
