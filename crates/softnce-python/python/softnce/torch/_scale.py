"""Gradients of a loss times the upstream gradient, rounded once."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["is_batched", "is_one", "scale_logits", "scale_temperature"]


def is_batched(tensor: Tensor) -> bool:
    """Whether a tensor holds several values at once, as under ``vmap`` and ``is_grads_batched``."""
    return "Batched" in str(torch._C._dispatch_keys(tensor))


def is_one(upstream: Tensor) -> bool:
    """Whether the upstream gradient is 1 and scaling can be skipped; checked only on the CPU, where it is cheap."""
    if upstream.numel() != 1 or not upstream.is_cpu:
        return False
    try:
        return upstream.item() == 1.0
    except RuntimeError:
        # Batched gradients have no single value.
        return False


def scale_logits(gradient: Tensor, upstream: Tensor, dtype: torch.dtype) -> Tensor:
    """The gradient ``[N, d]`` times the upstream gradient ``[]``, or ``[N]`` with reduction none."""
    if upstream.dim() == 1:
        upstream = upstream[:, None]
    return (gradient * upstream.to(gradient.dtype)).to(dtype)


def scale_temperature(parts: Tensor, upstream: Tensor, temperature: Tensor) -> Tensor:
    """The sum of the parts times the upstream gradient, in the type and shape of the temperature."""
    upstream = upstream.to(parts.dtype)
    # A row that does not count may have an infinite part.
    scaled = torch.where(upstream == 0, torch.zeros_like(parts), parts * upstream)
    return scaled.sum().to(temperature.dtype).reshape(temperature.shape)
