"""Logarithmic scale on both sides of zero: terms of an objective may have either sign."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg

LOG_FLOOR = 0.01  # below this size the logarithmic axis runs straight through zero


def log_scaled(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The logarithm of each value's size, with the value's sign."""
    array = np.asarray(values, np.float64)
    return np.sign(array) * np.log10(1.0 + np.abs(array) / LOG_FLOOR)


def log_unscaled(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The inverse of `log_scaled`."""
    array = np.asarray(values, np.float64)
    return np.sign(array) * LOG_FLOOR * (10.0 ** np.abs(array) - 1.0)


class ValueAxis(pg.AxisItem):  # type: ignore[misc]
    """Axis of linear values, or of powers of ten on both sides of zero."""

    logarithmic = False

    def set_logarithmic(self, logarithmic: bool) -> None:
        self.logarithmic = logarithmic
        self.picture = None  # drawn anew

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        if not self.logarithmic:
            return list(super().tickValues(minVal, maxVal, size))
        powers = [10.0**k for k in range(-1, 9)]
        positions = log_scaled([-p for p in reversed(powers)] + [0.0] + powers)
        shown = [float(p) for p in positions if minVal <= p <= maxVal]
        if len(shown) >= 3:
            return [(1.0, shown)]
        # A narrow span holds no power of ten: take round numbers of the values themselves.
        low, high = (float(v) for v in log_unscaled([minVal, maxVal]))
        levels = super().tickValues(low, high, size)
        return [(spacing, [float(p) for p in log_scaled(values)]) for spacing, values in levels[:1] if values]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if not self.logarithmic:
            return [str(text) for text in super().tickStrings(values, scale, spacing)]
        return [f"{value:.4g}" for value in log_unscaled(values)]
