"""Stochastic gradient descent of rows."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor

from softnce._settings import flag
from softnce.optim._row_optimizer import RowOptimizer, below_one, not_negative
from softnce.optim._steps import Map, Maps

__all__ = ["RowSGD"]


class RowSGD(RowOptimizer):
    """``torch.optim.SGD`` for parameters with sparse gradients, which touches only the rows with a gradient.

    ```text
    g <- g + weight_decay w,  b <- momentum b + g,  w <- w - lr b       (nesterov: w <- w - lr (g + momentum b))
    ```

    A row that comes back makes the steps without gradient that it missed at once: each is a linear map of weight and
    momentum. The rows equal those of ``torch.optim.SGD`` with dense gradients up to rounding.

    Learning rate and weight decay may change from step to step, as schedulers do; momentum must not (give
    ``cycle_momentum=False`` to ``OneCycleLR``).

    Args:
        params: parameters ``[rows, ...]`` in float32, float64 or bfloat16, or groups of them with their settings.
        lr: the learning rate, not below 0.
        momentum: from 0, below 1. With 0 a row has no momentum to keep.
        weight_decay: factor of the L2 penalty, as in ``torch.optim.SGD``; it applies to all rows in every step.
        nesterov: whether the momentum is Nesterov's.
        state_dtype: of the momentum: ``torch.float32`` or ``torch.bfloat16``. Default: single precision, double for
            parameters in double precision.
        seed: of the random rounding of weights and states in bfloat16; on all workers the same.
        process_group: the workers on which the parameters are the same; default: all. Copies of the optimiser have the
            default.

    Raises:
        ValueError: a setting is out of its range; the message names it.
        TypeError: a parameter is of a type that is not supported.
    """

    _fixed = ("momentum", "nesterov")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        state_dtype: Optional[torch.dtype] = None,
        seed: int = 0,
        process_group: Any = None,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
        super().__init__(params, defaults, state_dtype, seed, process_group)

    def _check(self, group: Dict[str, Any]) -> None:
        not_negative(group, "lr")
        not_negative(group, "weight_decay")
        if below_one("momentum", group["momentum"]) == 0 and flag("nesterov", group["nesterov"]):
            raise ValueError("nesterov is True and momentum is 0, expected a momentum above 0 with it")

    def _new_ledger(self, group: Dict[str, Any], device: torch.device) -> Maps:
        return Maps(device)

    def _extend(self, ledger: Maps, group: Dict[str, Any], steps: List[Tuple[float, float]]) -> None:
        ledger.extend([_idle(rate, decay, group["momentum"], group["nesterov"]) for rate, decay in steps])

    def _widths(self, group: Dict[str, Any], width: int) -> Dict[str, int]:
        return {"momentum": width} if group["momentum"] else {}

    def _rests(self, group: Dict[str, Any], state: Dict[str, Any]) -> bool:
        return not group["momentum"] and not state["decayed"]

    def _idle(
        self, ledger: Maps, group: Dict[str, Any], last: Tensor, until: int, weights: Tensor, states: List[Tensor]
    ) -> None:
        maps = ledger.product(last, until).to(weights.dtype)
        if not states:
            weights.mul_(maps[:, :1])
            return
        (momentum,) = states
        a, b, c, d = maps[:, :, None].unbind(1)
        before = weights.clone()
        weights.mul_(a).addcmul_(b, momentum)
        momentum.mul_(d).addcmul_(c, before)

    def _update(
        self, group: Dict[str, Any], step: int, weights: Tensor, states: List[Tensor], gradient: Tensor
    ) -> None:
        rate, decay, factor = float(group["lr"]), float(group["weight_decay"]), group["momentum"]
        if decay:
            gradient = gradient.add(weights, alpha=decay)
        if states:
            (momentum,) = states
            momentum.mul_(factor).add_(gradient)
            gradient = gradient.add(momentum, alpha=factor) if group["nesterov"] else momentum
        weights.add_(gradient, alpha=-rate)


def _idle(rate: float, decay: float, momentum: float, nesterov: bool) -> Map:
    """A step without gradient: ``b' = momentum b + decay w``, ``w' = w - rate b'``; Nesterov's:
    ``w' = w - rate (decay w + momentum b')``."""
    by_weight, by_momentum = (decay + momentum * decay, momentum * momentum) if nesterov else (decay, momentum)
    return 1.0 - rate * by_weight, -rate * by_momentum, decay, momentum
