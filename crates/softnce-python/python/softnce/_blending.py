"""Blends the rows of a batch with their partners, in place."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["blend", "box_sizes", "send"]

# Entries mixed at once on the CPU, few enough that the copies of the partners stay in the cache.
_BLOCK = 1 << 19
#: Types of which single precision does not hold every value.
_WIDE = (torch.float64, torch.int32, torch.int64)


def box_sizes(shape: Sequence[int]) -> Sequence[int]:
    """The sizes of the dimensions in which a CutMix box lies: height and width, or the length of fewer dimensions."""
    return shape[-2:] if len(shape) >= 4 else shape[-1:]


def blend(x: Tensor, weight: NDArray[Any], box: NDArray[Any]) -> None:
    """Gives the partner of every row its weight ``[N]``; inside a row's box ``[N, 2 D]`` the partner replaces it."""
    count, entries = x.shape[0], x[0].numel()
    boxed = bool(box.any())
    if not boxed and not weight.any():
        return
    # Half precision is blended in single precision, so that the entries have exactly the share that the targets state.
    work = torch.float64 if x.dtype in _WIDE else torch.float32
    plan = send(torch.from_numpy(np.concatenate((weight[:, None], box), axis=1)).to(work), x.device)
    pairs = count // 2
    block = max(_BLOCK // entries, 1) if x.device.type == "cpu" else pairs
    for first in range(0, pairs, max(block, 1)):
        last = min(first + block, pairs)
        near, far = slice(first, last), slice(count - last, count - first)
        partners = x[far].flip(0), x[near].flip(0)
        for rows, partner in zip((near, far), partners):
            _blend(x[rows], partner, _partner_weights(plan[rows], x.shape, boxed))


def _partner_weights(plan: Tensor, shape: Sequence[int], boxed: bool) -> Tensor:
    """The partner's weight for every entry, ``[n, 1, ...]``; larger only in the dimensions of the boxes."""
    weight = plan[:, 0].reshape(-1, *[1] * (len(shape) - 1))
    if not boxed:
        return weight
    sizes, inside = box_sizes(shape), None
    for number, size in enumerate(sizes):
        place = torch.arange(size, device=plan.device)
        start, end = plan[:, 1 + 2 * number, None], plan[:, 2 + 2 * number, None]
        within = (place >= start) & (place < end)
        # [n, size] as a mask over all dimensions.
        within = within.reshape(
            -1, *[1] * (len(shape) - 1 - len(sizes) + number), size, *[1] * (len(sizes) - 1 - number)
        )
        inside = within if inside is None else inside & within
    assert inside is not None
    return weight.expand(inside.shape).masked_fill(inside, 1.0)


def _blend(rows: Tensor, partner: Tensor, weight: Tensor) -> None:
    wide = rows.to(weight.dtype)
    wide.lerp_(partner.to(weight.dtype), weight)
    if not rows.dtype.is_floating_point:
        wide.round_()
    if wide.dtype != rows.dtype:
        rows.copy_(wide)


def send(values: Tensor, device: torch.device) -> Tensor:
    """Moves a small tensor to a device; on CUDA without waiting for it."""
    return values.to(device, non_blocking=device.type == "cuda")
