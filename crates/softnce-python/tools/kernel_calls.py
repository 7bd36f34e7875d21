"""Calls that reach every Triton kernel of the package, for the tools that compile and check them.

Each family of kernels is called plainly and with all options. A new family gets its line in ``CALLS``.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch import MixedTargets, _call

__all__ = ["CALLS", "calls"]

SOFT, HARD, CROSS = "soft-target-infonce", "infonce", "soft-target-cross-entropy"
#: Of each family: the loss, the form of the targets, and that of each further part of the candidates, which are in the
#: calls with all options.
CALLS: Dict[str, List[Tuple[str, str, List[str]]]] = {
    "compact": [(SOFT, "compact", ["shares", "labels"])],
    "cross_entropy": [(CROSS, "labels", []), (CROSS, "compact", []), (CROSS, "shares", []), (CROSS, "dense", [])],
    "dense": [(SOFT, "dense", ["dense"])],
    "hard": [(HARD, "labels", ["labels"])],
    "recognised": [(SOFT, "one-hot", []), (SOFT, "dense", []), (HARD, "one-hot", [])],
}


def targets(form: str, rows: int, classes: int, dtype: torch.dtype, device: torch.device) -> Any:
    """Targets of a form, on a device."""
    labels = torch.arange(rows, device=device) % classes
    if form == "labels":
        return labels
    if form == "one-hot":
        return torch.zeros(rows, classes, dtype=dtype, device=device).index_put_(
            (torch.arange(rows, device=device), labels), torch.ones((), dtype=dtype, device=device)
        )
    if form == "dense":
        weights = torch.arange(rows * classes, device=device).reshape(rows, classes) % 7 + 1.0
        return (weights / weights.sum(1, keepdim=True)).to(dtype)
    if form == "compact":
        lam = torch.linspace(0.0, 1.0, rows, device=device)
        return MixedTargets.mixed(labels, labels.flip(0), lam, classes, 0.1)
    shares = torch.linspace(0.1, 0.3, rows, dtype=torch.float64, device=device)
    return MixedTargets.compact(shares, labels[:, None].int(), (1.0 - shares)[:, None], classes)


def calls(
    family: str, rows: int, classes: int, dtype: torch.dtype, device: torch.device
) -> Iterator[Tuple[str, _call.Call, Optional[Tensor]]]:
    """The calls of a family over logits ``[rows, classes]``: a label, the call and a learned temperature."""
    for kind, form, further in CALLS[family]:
        made = {"recognise": family == "recognised"}

        def of(name: str) -> Any:
            return targets(name, rows, classes, dtype, device)

        yield f"{form} plain", _call.make(kind, classes, device, of(form), **made), None
        every: Dict[str, Any] = {"row_weights": torch.ones(rows, dtype=torch.float64, device=device), **made}
        every["noise_probs"] = torch.full((classes,), 1 / classes, dtype=torch.float64, device=device)
        if kind != CROSS:
            every["candidates"] = [of(other) for other in further] or None
            every["positives"] = torch.arange(rows, device=device)
            if family != "hard":
                every["multiplicities"] = torch.ones(rows * (1 + len(further)), device=device)
        learned = torch.ones((), dtype=torch.float64, device=device)
        yield f"{form} all options", _call.make(kind, classes, device, of(form), **every), learned
