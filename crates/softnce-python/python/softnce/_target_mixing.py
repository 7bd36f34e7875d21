"""The targets of mixed rows."""

from __future__ import annotations

from typing import Any, Union

import torch
from numpy.typing import NDArray
from torch import Tensor

from softnce._blending import send
from softnce.torch.targets import MixedTargets, widest

__all__ = ["mix_targets"]


def mix_targets(
    targets: Union[Tensor, MixedTargets], lam: NDArray[Any], num_classes: int, smoothing: float
) -> Union[Tensor, MixedTargets]:
    """The share ``lam`` ``[N]`` of the target of each row, the rest of its partner's, smoothed.

    Labels and compact rows give compact rows; probabilities give probabilities.
    """
    shares = send(torch.from_numpy(lam).to(widest(targets.device)), targets.device)
    if isinstance(targets, MixedTargets):
        return _compact(targets, shares, smoothing)
    if not targets.dtype.is_floating_point:
        labels = targets.long()
        return MixedTargets.mixed(labels, labels.flip(0), shares, num_classes, smoothing)
    rows = targets.detach().to(torch.promote_types(targets.dtype, torch.float32))
    mixed = rows.flip(0).lerp(rows, shares[:, None].to(rows.dtype))
    return mixed.mul_(1.0 - smoothing).add_(smoothing / num_classes)


def _compact(targets: MixedTargets, shares: Tensor, smoothing: float) -> MixedTargets:
    """K classes of the row and K of its partner."""
    kept = shares[:, None] * (1.0 - smoothing)
    rest = (1.0 - shares)[:, None] * (1.0 - smoothing)
    weights = targets.weights.to(shares.dtype)
    uniform = targets.uniform
    if isinstance(uniform, Tensor):
        rows = uniform.to(shares.dtype)
        uniform = rows * kept[:, 0] + rows.flip(0) * rest[:, 0] + smoothing
    else:
        uniform = uniform * (1.0 - smoothing) + smoothing
    classes = torch.cat((targets.classes, targets.classes.flip(0)), 1)
    mixed = torch.cat((weights * kept, weights.flip(0) * rest), 1)
    return MixedTargets.compact(uniform, classes, mixed, targets.num_classes)
