"""Batch norm over the rows of several processes: what one process's would make of all of them together."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce


class SyncBatchNorm1d(nn.BatchNorm1d):
    """nn.BatchNorm1d whose mean and variance are everyone's; unlike nn.SyncBatchNorm it works on gloo, too."""

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(self, rows: Tensor) -> Tensor:
        """Rows (n, channels), at least one in every process -> the same shape."""
        if not self.training:
            return super().forward(rows)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.momentum is not None
        variance, mean = (value.double() for value in torch.var_mean(rows.float(), dim=0, correction=0))
        # In double precision, so that squares of a mean that is large against the spread cost no digits.
        own = torch.cat((mean, variance + mean.square(), mean.new_ones(1))) * len(rows)
        everyone: Tensor = all_reduce(own)  # type: ignore[no-untyped-call]
        count = everyone[-1].detach()
        mean, square = (everyone[:-1] / count).chunk(2)
        variance = square - mean.square()
        with torch.no_grad():
            self.running_mean.lerp_(mean.float(), self.momentum)
            self.running_var.lerp_((variance * count / (count - 1.0)).float(), self.momentum)
        scale = self.weight * torch.rsqrt(variance.float() + self.eps)
        normed = torch.addcmul(self.bias - mean.float() * scale, rows.float(), scale)
        return normed.to(rows.dtype)


def synchronise(model: nn.Module) -> None:
    """Replace every nn.BatchNorm1d within a model, in place; weights, statistics and their names stay."""
    for parent in list(model.modules()):
        for name, norm in list(parent.named_children()):
            if type(norm) is nn.BatchNorm1d:
                shared = SyncBatchNorm1d(norm.num_features, norm.eps, norm.momentum)
                shared.weight, shared.bias = norm.weight, norm.bias
                shared.running_mean, shared.running_var = norm.running_mean, norm.running_var
                setattr(parent, name, shared)
