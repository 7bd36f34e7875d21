"""Gradients of a loss times the upstream gradient, rounded once."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["forbid_second", "is_one", "scale_logits", "scale_temperature"]


def forbid_second() -> None:
    """Raises an error for second derivatives: autograd would silently treat the gradients as constants."""
    if torch.is_grad_enabled():
        message = "leave out create_graph, or use plain PyTorch operations where second derivatives are needed"
        raise RuntimeError(f"the gradients of softnce's losses cannot be differentiated again; {message}")


def is_one(upstream: Tensor) -> bool:
    """Whether the upstream gradient is 1 and scaling can be skipped; checked only on the CPU, where it is cheap."""
    return upstream.dim() == 0 and upstream.device.type == "cpu" and upstream.item() == 1.0


def scale_logits(gradient: Tensor, upstream: Tensor, dtype: torch.dtype) -> Tensor:
    """The gradient ``[N, d]`` times the upstream gradient ``[]``, or ``[N]`` with reduction none."""
    if upstream.dim() == 1:
        upstream = upstream[:, None]
    return (gradient * upstream.to(gradient.dtype)).to(dtype)


def scale_temperature(parts: Tensor, upstream: Tensor, temperature: Tensor) -> Tensor:
    """The sum of the parts times the upstream gradient, in the type and shape of the temperature."""
    return (parts * upstream.to(parts.dtype)).sum().to(temperature.dtype).reshape(temperature.shape)
