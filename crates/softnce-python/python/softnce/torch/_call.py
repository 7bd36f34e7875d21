"""The arguments of one call of a loss, with shapes and types checked."""

from __future__ import annotations

import operator
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from softnce._choices import Checks
from softnce._settings import flag
from softnce.torch._devices import missing
from softnce.torch._memory import FLOATS, integers, resolved, signed
from softnce.torch.targets import MixedTargets, widest

__all__ = ["Call", "Needs", "Result", "Segment", "Targets", "compact_segment", "make", "segment_of", "tensors", "wide"]

#: The targets that the losses accept: class indices ``[M]``, probabilities ``[M, d]`` or compact rows.
Targets = Union[Tensor, MixedTargets]

REDUCTIONS = ("none", "mean", "sum")
BACKENDS = ("auto", "kernel", "tensor", "triton")
#: The values of ``check_values``: with a check whose result is read later, with one that waits, without.
CHECKS = (True, "now", False)
#: The losses of hard labels: they take one-hot rows as well, and no other rows.
HARD = ("infonce",)
#: The losses that contrast the target of each row with candidates, so that candidates and noise matter.
CONTRASTIVE = ("soft-target-infonce", "infonce")


class Segment(NamedTuple):
    """A part of the candidates, all in the same form."""

    #: Labels ``[M]``, classes ``[M, K]`` or probabilities ``[M, d]``.
    first: Tensor
    #: Weights ``[M, K]`` of compact rows.
    second: Optional[Tensor]
    #: The uniform share of all compact rows; or ``shares``, one for each row, ``[M]``.
    uniform: float
    shares: Optional[Tensor]
    #: The multiplicity of each candidate, ``[M]``; None: 1 for all.
    counts: Optional[Tensor]

    def rows(self) -> int:
        """The number of candidates M."""
        return int(self.first.shape[0])

    def is_dense(self) -> bool:
        """Whether the candidates are dense rows of probabilities."""
        return self.second is None and self.first.dim() == 2


class Call(NamedTuple):
    """The arguments of a loss except the logits and a learned temperature."""

    kind: str
    segments: Tuple[Segment, ...]
    offset: int
    positives: Optional[Tensor]
    row_weights: Optional[Tensor]
    noise: Optional[Tensor]
    temperature: float
    reduction: str
    #: A factor of the reduced loss and its gradients.
    scale: float
    backend: str
    recognise: bool
    check_values: Checks
    #: Name of the process group whose targets will be gathered; empty for none.
    group: str
    #: Number of workers whose targets have been gathered.
    workers: int

    def over(self, segments: Tuple[Segment, ...]) -> Call:
        """The same call over other candidates. Not every version of ``torch.compile`` supports ``_replace``."""
        return Call(self.kind, segments, *self[2:])


class Needs(NamedTuple):
    """The gradients to compute besides the loss, and the type of the returned loss."""

    logits: bool
    temperature: bool
    dtype: torch.dtype


class Result(NamedTuple):
    """A loss and the gradients needed, in the type in which sums are kept."""

    #: ``[]``, or ``[N]`` with reduction none.
    loss: Tensor
    #: ``[N, d]``.
    logits_gradient: Optional[Tensor]
    #: ``[1]``, or each row's part ``[N]`` with reduction none.
    temperature_gradient: Optional[Tensor]


def tensors(call: Call) -> List[Tensor]:
    """All tensors of a call."""
    parts = [tensor for segment in call.segments for tensor in segment if isinstance(tensor, Tensor)]
    return parts + [tensor for tensor in (call.noise, call.row_weights, call.positives) if tensor is not None]


def wide(dtype: torch.dtype) -> torch.dtype:
    """The type in which sums over values of this type are kept."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def compact_segment(targets: MixedTargets, counts: Optional[Tensor] = None) -> Segment:
    """Compact rows as a segment."""
    if isinstance(targets.uniform, Tensor):
        return Segment(targets.classes, targets.weights, 0.0, targets.uniform, counts)
    return Segment(targets.classes, targets.weights, targets.uniform, None, counts)


def segment_of(argument: str, targets: Any, num_classes: int, device: torch.device) -> Segment:
    """Targets in any form as a segment over ``num_classes`` classes."""
    if isinstance(targets, MixedTargets):
        found, place = list(targets.shape), targets.device
        segment = compact_segment(targets)
    elif isinstance(targets, Tensor):
        found, place = list(targets.shape), targets.device
        if integers(targets):
            if targets.dim() != 1:
                message = "expected [M] class indices (one-hot rows must be floats)"
                raise ValueError(f"{argument} has shape {found}, {message}")
            found = [*found, num_classes]
        elif targets.dtype not in FLOATS:
            message = f"{argument} has dtype {targets.dtype}, expected class indices or float probabilities"
            raise TypeError(message)
        elif targets.dim() != 2:
            raise ValueError(f"{argument} has shape {found}, expected [M, {num_classes}] probabilities")
        if targets.layout is not torch.strided:
            raise TypeError(f"{argument} has layout {targets.layout}, expected a strided tensor")
        rows = resolved(targets.detach())
        segment = Segment(signed(rows) if integers(rows) else rows, None, 0.0, None, None)
    else:
        message = "expected a tensor of class indices or probabilities, or softnce.torch.MixedTargets"
        raise TypeError(f"{argument} is of type {type(targets).__name__}, {message}")
    if found[1] != num_classes:
        raise ValueError(f"{argument} has shape {found}, expected [M, {num_classes}], as the logits have classes")
    if place != device:
        raise ValueError(f"{argument} is on {place}, expected {device}, as the logits")
    return segment


def check_noise(noise: Any, num_classes: int, device: torch.device) -> None:
    """Checks the shape of a noise distribution, as the losses do."""
    noise = plain("noise_probs", noise, device)
    if list(noise.shape) != [num_classes] or noise.dtype not in FLOATS:
        found = f"shape {list(noise.shape)} and dtype {noise.dtype}"
        raise ValueError(f"noise_probs has {found}, expected [{num_classes}] floats, as the logits have classes")


def noise_fits(noise: Tensor) -> Tensor:
    """Whether the values are a noise distribution, ``[]``: above 0, with a sum of 1 within 0.0001. Does not wait."""
    wide_noise = noise.to(widest(noise.device))
    return (wide_noise > 0).all() & ((wide_noise.sum() - 1).abs() <= 1e-4)


def plain(argument: str, values: Any, device: torch.device) -> Tensor:
    """Checks that a tensor is on the device of the logits, and detaches it."""
    if not isinstance(values, Tensor):
        raise TypeError(f"{argument} is of type {type(values).__name__}, expected a tensor")
    if values.layout is not torch.strided:
        raise TypeError(f"{argument} has layout {values.layout}, expected a strided tensor")
    if values.device != device:
        raise ValueError(f"{argument} is on {values.device}, expected {device}, as the logits")
    return resolved(values.detach())


def make(
    kind: str,
    num_classes: int,
    device: torch.device,
    targets: Any,
    *,
    candidates: Union[None, Targets, Sequence[Targets]] = None,
    positives: Union[None, int, Tensor] = None,
    multiplicities: Optional[Tensor] = None,
    row_weights: Optional[Tensor] = None,
    noise_probs: Optional[Tensor] = None,
    temperature: float = 1.0,
    reduction: str = "mean",
    group: str = "",
    backend: str = "auto",
    recognise: bool = True,
    check_values: Checks = True,
) -> Call:
    """Checks the arguments of a call over logits ``[N, num_classes]``."""
    segments = [segment_of("targets", targets, num_classes, device)]
    if candidates is not None:
        further = [candidates] if isinstance(candidates, (Tensor, MixedTargets)) else candidates
        if not isinstance(further, (list, tuple)):
            message = "expected targets in any form, or a list of targets"
            raise TypeError(f"candidates is of type {type(further).__name__}, {message}")
        parts = [segment_of("candidates", part, num_classes, device) for part in further]
        segments.extend([part for part in parts if part.rows() > 0])
    if multiplicities is not None:
        segments = _count(segments, weights("multiplicities", multiplicities, device))
    row_weights = None if row_weights is None else weights("row_weights", row_weights, device)
    noise_probs = None if noise_probs is None else plain("noise_probs", noise_probs, device)
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction is {reduction!r}, expected one of {', '.join(map(repr, REDUCTIONS))}")
    if backend not in BACKENDS:
        raise ValueError(f"backend is {backend!r}, expected one of {', '.join(map(repr, BACKENDS))}")
    if backend == "kernel" and device.type != "cpu":
        message = 'expected "auto" or "tensor" on this device'
        raise ValueError(f'backend is "kernel" and the logits are on {device}, {message}')
    if backend == "triton":
        lacking = missing(device)
        if lacking:
            raise ValueError(f'backend is "triton", but {lacking}; expected "auto", "tensor" or, on the CPU, "kernel"')
    recognise = flag("recognise", recognise)
    if check_values not in CHECKS:
        raise ValueError(f'check_values is {check_values!r}, expected True, False or "now"')
    offset, index = _positives(positives)
    index = None if index is None else plain("positives", index, device)
    if index is not None and (index.dim() != 1 or not integers(index)):
        raise ValueError(f"positives has shape {list(index.shape)} and dtype {index.dtype}, expected [N] integers")
    index = None if index is None else signed(index)
    if offset < 0:
        raise IndexError(f"positives is {offset}, expected the index of the first row's positive")
    if group and (positives is not None or multiplicities is not None):
        message = "cannot be given when targets are gathered over workers; set gather=False"
        raise ValueError(f"positives and multiplicities {message}")
    for argument, vector in (("row_weights", row_weights), ("noise_probs", noise_probs)):
        if vector is not None and (vector.dim() != 1 or vector.dtype not in FLOATS):
            message = f"{argument} has shape {list(vector.shape)} and dtype {vector.dtype}, expected a vector of floats"
            raise ValueError(message)
    return Call(
        kind=kind,
        segments=tuple(segments),
        offset=offset,
        positives=index,
        row_weights=row_weights,
        noise=noise_probs,
        temperature=temperature,
        reduction=reduction,
        scale=1.0,
        backend=backend,
        recognise=recognise,
        check_values=check_values,
        group=group,
        workers=1,
    )


def weights(argument: str, values: Any, device: torch.device) -> Tensor:
    """Numbers that weigh or count rows: floats, integers or truth values."""
    values = plain(argument, values, device)
    return values.to(widest(device)) if integers(values) or values.dtype == torch.bool else values


def _positives(positives: Any) -> Tuple[int, Optional[Tensor]]:
    """The index of the first row's positive, or the positives of all rows."""
    if positives is None:
        return 0, None
    if isinstance(positives, Tensor) and positives.dim() > 0:
        return 0, positives
    if isinstance(positives, int) and not isinstance(positives, bool):
        return positives, None
    try:
        if isinstance(positives, bool):
            raise TypeError
        return operator.index(positives), None
    except TypeError:
        message = "expected an integer or a tensor of integers"
        raise TypeError(f"positives is of type {type(positives).__name__}, {message}") from None


def _count(segments: List[Segment], multiplicities: Tensor) -> List[Segment]:
    total = sum(segment.rows() for segment in segments)
    if list(multiplicities.shape) != [total] or multiplicities.dtype not in FLOATS:
        found = f"shape {list(multiplicities.shape)} and dtype {multiplicities.dtype}"
        raise ValueError(f"multiplicities has {found}, expected [{total}] numbers, over targets and candidates")
    parts = multiplicities.split([segment.rows() for segment in segments])
    return [Segment(*segment[:4], part) for segment, part in zip(segments, parts)]
