"""AdamW of rows.

In the i-th step without gradient the moments are ``beta1^i m`` and ``beta2^i v``, so that after k steps

```text
w' = w kept(1..k) - m sum_i n_i / (r_i sqrt(v) + eps)
n_i = rate_i beta1^i / (1 - beta1^(t+i)) kept(i+1..k),  r_i = sqrt(beta2^i / (1 - beta2^(t+i)))
```

The sum has hundreds of terms, as long as the momentum lasts, for every value of a row. As a function of ``log r`` a
term is smooth: its only poles are at a distance of pi from the real axis, whatever v and eps are. It is therefore
interpolated at a few Chebyshev nodes, whose weights are the same for all values of a row.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from softnce.optim._row_optimizer import RowOptimizer, above_zero, below_one, check_decay
from softnce.optim._steps import Decays

__all__ = ["RowAdamW"]

#: Share of the sum of terms that is left out, or may be wrong: far below rounding.
_NEGLIGIBLE = {torch.float32: 1e-10, torch.float64: 1e-18}
#: Momentum below this share of what it was changes no weight, however small v and eps are.
_VANISHED = 1e-60
#: Terms that are held at once; with betas close to 1 a row may have thousands.
_TERMS = 1 << 18


class _Sum(NamedTuple):
    """``sum_j factors_j / (roots_j sqrt(v) + eps)``, each ``[R, J]``."""

    factors: Tensor
    roots: Tensor


class RowAdamW(RowOptimizer):
    """``torch.optim.AdamW`` for parameters with sparse gradients, which touches only the rows with a gradient.

    The update is that of Loshchilov and Hutter (arXiv 1711.05101, Algorithm 2). ``torch.optim.SparseAdam`` leaves out
    the steps in which a row has no gradient: its momentum stands still, and it has no weight decay. Here a row that
    comes back makes the steps that it missed at once, so that the rows equal those of ``torch.optim.AdamW`` with dense
    gradients up to rounding.

    Learning rate and weight decay may change from step to step, as schedulers do; ``betas`` must not (give
    ``cycle_momentum=False`` to ``OneCycleLR``).

    Args:
        params: parameters ``[rows, ...]`` in float32, float64 or bfloat16, or groups of them with their settings.
        lr: the learning rate, not below 0.
        betas: decay rates of the first and the second moment, each from 0, below 1.
        eps: added to the square root of the second moment; above 0.
        weight_decay: the learning rate times this is taken off each weight in each step. The default is that of
            ``torch.optim.AdamW``.
        state_dtype: of both moments: ``torch.float32`` or ``torch.bfloat16``. Default: single precision, double for
            parameters in double precision.
        seed: of the random rounding of weights and states in bfloat16; on all workers the same.
        process_group: the workers on which the parameters are the same; default: all. Copies of the optimiser have the
            default.

    Raises:
        ValueError: a setting is out of its range; the message names it.
        TypeError: a parameter is of a type that is not supported.
    """

    _fixed = ("betas", "eps")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: Tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        state_dtype: Optional[torch.dtype] = None,
        seed: int = 0,
        process_group: Any = None,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, defaults, state_dtype, seed, process_group)

    def _check(self, group: Dict[str, Any]) -> None:
        check_decay(group)
        above_zero(group, "eps")
        betas = group["betas"]
        if not isinstance(betas, (tuple, list)):
            raise TypeError(f"betas is of type {type(betas).__name__}, expected two numbers")
        if len(betas) != 2:
            raise ValueError(f"betas is {betas}, expected two numbers")
        for beta in betas:
            below_one("betas", beta)

    def _new_ledger(self, group: Dict[str, Any], device: torch.device) -> Decays:
        return Decays(device)

    def _extend(self, ledger: Decays, group: Dict[str, Any], steps: List[Tuple[float, float]]) -> None:
        ledger.extend(steps)

    def _widths(self, group: Dict[str, Any], width: int) -> Dict[str, int]:
        return {"first": width, "second": width}

    def _idle(
        self, ledger: Decays, group: Dict[str, Any], last: Tensor, until: int, weights: Tensor, states: List[Tensor]
    ) -> None:
        first, second = states
        dtype = weights.dtype
        weights.mul_(ledger.kept(last, until).to(dtype)[:, None])
        # Most rows never had a gradient when all rows are caught up.
        moving = ((first != 0) | (second != 0)).any(1).nonzero()[:, 0]
        if len(moving) == len(last):
            self._coast(ledger, group, last, until, weights, first, second)
        elif len(moving):
            some = [part[moving] for part in (weights, first, second)]
            self._coast(ledger, group, last[moving], until, *some)
            for whole, part in zip((weights, first, second), some):
                whole.index_copy_(0, moving, part)

    def _coast(
        self,
        ledger: Decays,
        group: Dict[str, Any],
        last: Tensor,
        until: int,
        weights: Tensor,
        first: Tensor,
        second: Tensor,
    ) -> None:
        """What the momentum adds to rows ``[R, D]`` that have decayed."""
        dtype, (beta1, beta2) = weights.dtype, group["betas"]
        made = _sum(ledger, (beta1, beta2), last, until, _NEGLIGIBLE[dtype])
        if made is not None:
            root, total = second.sqrt(), torch.zeros_like(first)
            for factors, roots in zip(made.factors.to(dtype).T, made.roots.to(dtype).T):
                total.addcdiv_(factors[:, None].expand_as(root), (roots[:, None] * root).add_(group["eps"]))
            weights.addcmul_(first, total, value=-1)
        gaps = until - last
        for moment, beta in ((first, beta1), (second, beta2)):
            moment.mul_(_power(beta, gaps, ledger.dtype).to(dtype)[:, None])

    def _update(
        self, group: Dict[str, Any], step: int, weights: Tensor, states: List[Tensor], gradient: Tensor
    ) -> None:
        rate, decay, (beta1, beta2) = float(group["lr"]), float(group["weight_decay"]), group["betas"]
        first, second = states
        first.lerp_(gradient, 1.0 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
        root = second.sqrt().div_(math.sqrt(1.0 - beta2**step)).add_(group["eps"])
        weights.mul_(1.0 - rate * decay).addcdiv_(first, root, value=-rate / (1.0 - beta1**step))


def _sum(ledger: Decays, betas: Tuple[float, float], last: Tensor, until: int, negligible: float) -> Optional[_Sum]:
    """The sum over the steps after ``last`` ``[R]``; None if no momentum is left."""
    oldest = int(last.min())
    most = min(until - oldest, _lasting(betas, negligible))
    if most == 0:
        return None
    nodes = _nodes(betas[1], oldest, most, negligible)
    # Rows that missed the same steps have the same sum.
    distinct, places = last.unique(return_inverse=True)
    blocks = distinct.split(max(1, _TERMS // most))
    parts = [_sum_of(ledger, betas, block, until, most, nodes) for block in blocks]
    return _Sum(*(torch.cat(each)[places] for each in zip(*parts)))


def _sum_of(ledger: Decays, betas: Tuple[float, float], last: Tensor, until: int, most: int, nodes: int) -> _Sum:
    """The sum over at most so many steps, interpolated at so many nodes."""
    beta1, beta2 = betas
    counts = torch.arange(1, most + 1, device=last.device)
    steps = last[:, None] + counts
    missed = steps <= until
    steps = steps.clamp(max=until)
    powers = counts.to(ledger.dtype)
    factors = (
        ledger.rates(steps)
        * ledger.kept(steps, until)
        * torch.pow(beta1, powers)
        / (1.0 - _power(beta1, steps, ledger.dtype))
    )
    factors = torch.where(missed, factors, 0.0)
    if nodes >= most:
        return _Sum(factors, (torch.pow(beta2, powers) / (1.0 - _power(beta2, steps, ledger.dtype))).sqrt())
    logs = 0.5 * (powers * math.log(beta2) - torch.log1p(-_power(beta2, steps, ledger.dtype)))
    # The roots fall from step to step.
    high, low = logs[:, :1], logs.gather(1, (missed.sum(1, keepdim=True) - 1))
    middle, half = (high + low) / 2, (high - low) / 2
    places = torch.where(half > 0, (logs - middle) / half, 0.0).clamp(-1, 1)
    # The moments of the terms with respect to Chebyshev's polynomials, and from them the weights of the nodes.
    before, polynomial = torch.ones_like(places), places
    moments = [factors.sum(1), (factors * places).sum(1)]
    while len(moments) < nodes:
        before, polynomial = polynomial, 2 * places * polynomial - before
        moments.append((factors * polynomial).sum(1))
    angles = (torch.arange(nodes, dtype=ledger.dtype, device=last.device) + 0.5) * (math.pi / nodes)
    basis = torch.cos(torch.arange(nodes, device=last.device)[:, None] * angles) * (2.0 / nodes)
    basis[0] /= 2
    return _Sum(torch.stack(moments[:nodes], 1) @ basis, torch.exp(middle + half * torch.cos(angles)))


def _lasting(betas: Tuple[float, float], negligible: float) -> int:
    """After how many steps without gradient the rest of them changes nothing."""
    beta1, beta2 = betas
    if beta1 == 0:
        return 0
    # The momentum falls by beta1 a step, the root that divides it by sqrt(beta2).
    ratio = beta1 / math.sqrt(beta2) if beta2 > 0 else math.inf
    lasting = math.log(_VANISHED) / math.log(beta1)
    if ratio < 1:
        lasting = min(lasting, math.log(negligible * (1 - ratio)) / math.log(ratio))
    return max(1, math.ceil(lasting))


def _nodes(beta2: float, oldest: int, most: int, negligible: float) -> int:
    """How many nodes interpolate the terms of ``most`` steps after step ``oldest`` or later ones."""
    if beta2 == 0:
        return most
    decay = math.log(beta2)
    corrections = math.log1p(-(beta2 ** (oldest + most))) - math.log1p(-(beta2 ** (oldest + 1)))
    half = ((1 - most) * decay + corrections) / 4
    # Bernstein's ellipse through 0.9 of the distance to the poles.
    distance = 0.9 * math.pi / max(half, 1e-9)
    return max(2, math.ceil(math.log(10 / negligible) / math.asinh(distance)))


def _power(base: float, exponents: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.pow(base, exponents.to(dtype))
