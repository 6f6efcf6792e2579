"""Logarithmic scale on both sides of zero."""

from __future__ import annotations

import numpy as np

from studio.plots.curves.signed_log import log_scaled, log_unscaled


def test_the_logarithmic_scale_keeps_sign_and_order_and_can_be_undone() -> None:
    values = np.array([-1e5, -3.0, -0.01, 0.0, 0.5, 2e4])
    scaled = log_scaled(values)
    assert (np.diff(scaled) > 0).all()
    assert np.allclose(log_unscaled(scaled), values)
