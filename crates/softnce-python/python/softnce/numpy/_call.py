"""The arguments of one call of a loss, with shapes and types checked."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from softnce._settings import number
from softnce.numpy._checks import as_array, as_vector, as_weights, shape_error
from softnce.numpy._memory import FLOATS, INTEGERS, View, plain, view, view_of
from softnce.numpy.targets import MixedTargets

__all__ = ["Call", "Segment", "Targets", "make"]

#: The targets that the losses accept: class indices ``[M]``, probabilities ``[M, d]`` or compact rows.
Targets = Union[ArrayLike, MixedTargets]

_REDUCTIONS = ("none", "mean", "sum")


class Segment(NamedTuple):
    """A part of the candidates, all in the same form."""

    #: Labels ``[M]``, classes ``[M, K]`` or probabilities ``[M, d]``.
    first: NDArray[Any]
    #: Weights ``[M, K]`` of compact rows.
    second: Optional[NDArray[Any]] = None
    #: The uniform share of all compact rows; or ``shares``, one for each row, ``[M]``.
    uniform: float = 0.0
    shares: Optional[NDArray[Any]] = None
    #: The multiplicity of each candidate, ``[M]``; None: 1 for all.
    counts: Optional[NDArray[Any]] = None

    def views(self) -> Tuple[View, Optional[View], float, Optional[View], Optional[View]]:
        """The segment in the form that the kernels expect."""
        second, shares, counts = (view_of(array) for array in (self.second, self.shares, self.counts))
        return view(self.first), second, self.uniform, shares, counts


class Call(NamedTuple):
    """The arguments of a loss except the logits. It keeps every array that the kernels read alive."""

    kind: str
    segments: List[Segment]
    offset: int
    positives: Optional[NDArray[Any]]
    row_weights: Optional[NDArray[Any]]
    noise: Optional[NDArray[Any]]
    temperature: float
    reduction: str
    recognise: bool

    def settings(self) -> Tuple[str, float, Optional[View], str, bool]:
        """The settings of the loss."""
        return self.kind, self.temperature, view_of(self.noise), self.reduction, self.recognise

    def label_side(self) -> Tuple[Any, Any, Any]:
        """The candidates, the positives and the row weights."""
        segments = [segment.views() for segment in self.segments]
        return segments, (self.offset, view_of(self.positives)), view_of(self.row_weights)


def make(
    kind: str,
    num_classes: int,
    targets: Any,
    candidates: Any,
    positives: Any,
    multiplicities: Any,
    row_weights: Any,
    noise_probs: Any,
    temperature: Any,
    reduction: str,
    recognise: bool = True,
) -> Call:
    """Checks the shapes and types of the arguments of a call over ``num_classes`` classes."""
    segments = [_segment_of("targets", targets, num_classes)]
    if isinstance(candidates, str) and candidates == "classes" and kind == "soft-target-infonce":
        others = {"positives": positives, "multiplicities": multiplicities}
        rows = len(segments[0].first)
        candidates, multiplicities = _all_classes(others, noise_probs, rows, num_classes)
    further = [_segment_of("candidates", part, num_classes) for part in _parts(candidates)]
    segments.extend(part for part in further if len(part.first))
    if multiplicities is not None:
        segments = _counted(segments, multiplicities)
    if reduction not in _REDUCTIONS:
        raise ValueError(f"reduction is {reduction!r}, expected one of {', '.join(map(repr, _REDUCTIONS))}")
    offset, index = _positives(positives)
    return Call(
        kind=kind,
        segments=segments,
        offset=offset,
        positives=index,
        row_weights=None if row_weights is None else as_weights("row_weights", row_weights),
        noise=None if noise_probs is None else as_vector("noise_probs", noise_probs, "a vector of floats"),
        temperature=number("temperature", temperature),
        reduction=reduction,
        recognise=bool(recognise),
    )


def _all_classes(
    others: Dict[str, Any], noise_probs: Any, rows: int, num_classes: int
) -> Tuple[NDArray[Any], NDArray[Any]]:
    """All classes as candidates, and the multiplicities: 0 for the targets, the noise probabilities for the classes."""
    for name, given in others.items():
        if given is not None:
            raise ValueError(f"{name} is given with classes as candidates, expected one of them")
    counts = np.full(num_classes, 1.0 / num_classes)
    if noise_probs is not None:
        noise = as_vector("noise_probs", noise_probs, "a vector of floats").astype(np.float64)
        if len(noise) != num_classes:
            message = f"expected [{num_classes}], as the logits have classes"
            raise ValueError(f"noise_probs has shape {list(noise.shape)}, {message}")
        # The kernels refuse other noise by its name. As multiplicities it would be refused under theirs.
        if (noise > 0).all() and abs(noise.sum() - 1.0) <= 1e-4:
            counts = noise / noise.sum()
    return np.arange(num_classes), np.concatenate((np.zeros(rows), counts))


def _parts(candidates: Any) -> Sequence[Any]:
    """A list of candidates. A list of numbers is one entry, as for the targets; a list with arrays is several."""
    if candidates is None:
        return ()
    several = isinstance(candidates, (list, tuple)) and (
        not candidates or any(isinstance(part, (np.ndarray, MixedTargets)) for part in candidates)
    )
    return candidates if several else (candidates,)


def _segment_of(argument: str, targets: Any, num_classes: int) -> Segment:
    """Targets in any form as a segment over ``num_classes`` classes."""
    if isinstance(targets, MixedTargets):
        shares = plain(targets.uniform) if isinstance(targets.uniform, np.ndarray) else None
        share = 0.0 if isinstance(targets.uniform, np.ndarray) else targets.uniform
        found: Any = targets
        segment = Segment(plain(targets.classes), plain(targets.weights), share, shares)
    else:
        found = as_array(argument, targets)
        if found.dtype.name in INTEGERS:
            if found.ndim != 1:
                raise shape_error(argument, found, "[M] class indices")
            return Segment(plain(found))
        if found.dtype.name not in FLOATS:
            raise TypeError(f"{argument} has dtype {found.dtype}, expected class indices or float probabilities")
        if found.ndim != 2:
            raise shape_error(argument, found, f"[M, {num_classes}] probabilities")
        segment = Segment(plain(found))
    if found.shape[1] != num_classes:
        raise shape_error(argument, found, f"[M, {num_classes}], as the logits have classes")
    return segment


def _counted(segments: List[Segment], multiplicities: Any) -> List[Segment]:
    ends = np.cumsum([len(segment.first) for segment in segments])
    total = int(ends[-1])
    counts = as_weights("multiplicities", multiplicities, total)
    return [segment._replace(counts=part) for segment, part in zip(segments, np.split(counts, ends[:-1]))]


def _positives(positives: Any) -> Tuple[int, Optional[NDArray[Any]]]:
    """The index of the first row's positive, or the positives of all rows."""
    if positives is None:
        return 0, None
    array = as_array("positives", positives)
    if array.ndim > 1 or array.dtype.name not in INTEGERS:
        raise ValueError(f"positives has shape {list(array.shape)} and dtype {array.dtype}, expected [N] integers")
    if array.ndim == 1:
        return 0, plain(array)
    if array < 0:
        raise IndexError(f"positives is {array}, expected the index of the first row's positive")
    return int(array), None
