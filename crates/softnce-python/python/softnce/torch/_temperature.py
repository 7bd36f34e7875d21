"""Temperatures that are numbers, tensors or learned."""

from __future__ import annotations

import math
import numbers
from typing import Any, NamedTuple, Optional, Tuple, Union

import torch
from torch import Tensor

from softnce.torch._call import Result
from softnce.torch._memory import FLOATS, resolved

__all__ = ["Learned", "by_logarithm", "tau"]

#: The exponential function overflows above.
_LARGEST = 709.78


class Learned(NamedTuple):
    """A temperature that is a tensor with one number."""

    tensor: Tensor
    #: Whether the tensor is the logarithm of the temperature. On the CPU it is part of the operation as it is, which
    #: saves two nodes of autograd.
    log: bool = False

    def value(self) -> Tensor:
        """The temperature itself, ``[]``, in single precision or wider."""
        tensor = self.tensor.reshape(())
        return tensor.to(torch.promote_types(tensor.dtype, torch.float32)).exp() if self.log else tensor

    def number(self) -> float:
        """The temperature as a number."""
        value = self.tensor.item()
        if not self.log:
            return value
        # Infinity is refused with the other values that are no temperatures.
        return math.inf if value >= _LARGEST else math.exp(value)


def by_logarithm(result: Result, temperature: Union[float, Tensor]) -> Result:
    """A result with the gradient for the logarithm of the temperature in the place of that for the temperature."""
    parts = result.temperature_gradient
    return result if parts is None else result._replace(temperature_gradient=parts.mul_(temperature))


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
