"""Adagrad with one value of state for each row."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor

from softnce.optim._row_optimizer import RowOptimizer, above_zero, check_decay
from softnce.optim._steps import Decays

__all__ = ["RowAdagrad"]


class RowAdagrad(RowOptimizer):
    """Adagrad (Duchi, Hazan and Singer 2011) with one sum for each row, for parameters with sparse gradients.

    ```text
    s <- s + mean(g^2),  w <- (1 - lr weight_decay) w - lr g / (sqrt(s) + eps)
    ```

    The state of a row is a single number, where that of ``torch.optim.Adagrad`` is as large as the row. The weight
    decay is decoupled. A row that comes back makes the decays that it missed at once.

    Args:
        params: parameters ``[rows, ...]`` in float32, float64 or bfloat16, or groups of them with their settings.
        lr: the learning rate, not below 0. It may change from step to step.
        eps: added to the square root of the sum; above 0.
        weight_decay: the learning rate times this is taken off each weight in each step; it may change as well.
        state_dtype: of the sums: ``torch.float32`` or ``torch.bfloat16``. Default: single precision, double for
            parameters in double precision.
        seed: of the random rounding of weights and states in bfloat16; on all workers the same.
        process_group: the workers on which the parameters are the same; default: all. Copies of the optimiser have the
            default.

    Raises:
        ValueError: a setting is out of its range; the message names it.
        TypeError: a parameter is of a type that is not supported.
    """

    _fixed = ("eps",)

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        *,
        state_dtype: Optional[torch.dtype] = None,
        seed: int = 0,
        process_group: Any = None,
    ) -> None:
        defaults = {"lr": lr, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults, state_dtype, seed, process_group)

    def _check(self, group: Dict[str, Any]) -> None:
        check_decay(group)
        above_zero(group, "eps")

    def _new_ledger(self, group: Dict[str, Any], device: torch.device) -> Decays:
        return Decays(device)

    def _extend(self, ledger: Decays, group: Dict[str, Any], steps: List[Tuple[float, float]]) -> None:
        ledger.extend(steps)

    def _widths(self, group: Dict[str, Any], width: int) -> Dict[str, int]:
        return {"sum": 1}

    def _rests(self, group: Dict[str, Any], state: Dict[str, Any]) -> bool:
        return not state["decayed"]

    def _idle(
        self, ledger: Decays, group: Dict[str, Any], last: Tensor, until: int, weights: Tensor, states: List[Tensor]
    ) -> None:
        weights.mul_(ledger.kept(last, until).to(weights.dtype)[:, None])

    def _update(
        self, group: Dict[str, Any], step: int, weights: Tensor, states: List[Tensor], gradient: Tensor
    ) -> None:
        rate, decay = float(group["lr"]), float(group["weight_decay"])
        (total,) = states
        total.add_(gradient.square().mean(1, keepdim=True))
        weights.mul_(1.0 - rate * decay).addcdiv_(gradient, total.sqrt().add_(group["eps"]), value=-rate)
