"""Temperatures that are numbers, tensors or learned."""

from __future__ import annotations

import numbers
from typing import Any, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch._memory import FLOATS, resolved

__all__ = ["Learned", "tau"]


class Learned(NamedTuple):
    """A temperature that is a tensor with one number."""

    tensor: Tensor
    #: Whether the tensor is the logarithm of the temperature. The fast path takes it as it is: two nodes of autograd
    #: less.
    log: bool = False

    def value(self) -> Tensor:
        """The temperature itself, ``[]``."""
        return self.tensor.exp().reshape(()) if self.log else self.tensor.reshape(())


def tau(temperature: Any, device: torch.device) -> Tuple[float, Optional[Learned]]:
    """The temperature as a number, or as a tensor if it is one."""
    if isinstance(temperature, Learned):
        _same_device(temperature.tensor, device)
        return 1.0, temperature
    if not isinstance(temperature, Tensor):
        if isinstance(temperature, bool) or not isinstance(temperature, numbers.Real):
            raise TypeError(f"temperature is {temperature!r}, expected a number or a tensor with one number")
        return float(temperature), None
    if temperature.numel() != 1 or temperature.dtype not in FLOATS:
        found = f"shape {list(temperature.shape)} and dtype {temperature.dtype}"
        raise ValueError(f"temperature has {found}, expected one float")
    _same_device(temperature, device)
    return 1.0, Learned(resolved(temperature))


def _same_device(temperature: Tensor, device: torch.device) -> None:
    if temperature.device != device and temperature.device.type != "cpu":
        raise ValueError(f"temperature is on {temperature.device}, expected {device}, as the logits")
