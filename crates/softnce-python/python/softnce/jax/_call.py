"""The arguments of one call of a loss, with shapes and types checked: its settings and its arrays."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import jax
import jax.numpy as jnp
import numpy as np

from softnce._settings import choice, flag, integer
from softnce.jax._arrays import Array, as_array, as_floats, as_integers, as_weights, of_32_bits, wide
from softnce.jax.targets import MixedTargets
from softnce.numpy import MixedTargets as NumpyTargets
from softnce.numpy._checks import as_temperature, shape_error
from softnce.numpy._memory import FLOATS, INTEGERS

__all__ = ["HARD", "LabelSide", "Result", "Segment", "Settings", "make", "temperature_of"]

#: The loss of hard labels, which takes one-hot rows as well, and no other rows.
HARD = "infonce"
_REDUCTIONS = ("none", "mean", "sum")
_BACKENDS = ("auto", "kernel", "jax")


class Settings(NamedTuple):
    """What is known when a call is compiled."""

    kind: str
    #: The uniform share of all rows of each segment; None: its ``shares`` hold it.
    uniforms: Tuple[Optional[float], ...]
    #: The index of the first row's positive, unless the label side has the positives of all rows.
    offset: int
    reduction: str
    recognise: bool
    backend: str


class Segment(NamedTuple):
    """A part of the candidates, all in the same form."""

    #: Labels ``[M]``, classes ``[M, K]`` or probabilities ``[M, d]``.
    first: Array
    #: Weights ``[M, K]`` of compact rows; else None.
    second: Array = None
    #: The uniform share of compact rows, ``[]`` or ``[M]``, unless it is a number of the settings.
    shares: Array = None
    #: The multiplicity of each candidate, ``[M]``; None: 1 for all.
    counts: Array = None


class LabelSide(NamedTuple):
    """The arrays of a call without gradients; None for those not given."""

    segments: Tuple[Segment, ...]
    positives: Array = None
    row_weights: Array = None
    noise: Array = None


class Result(NamedTuple):
    """A loss and, where wanted, its gradients, in the type in which sums are kept."""

    #: ``[]``, or ``[N]`` with reduction none.
    loss: Array
    #: ``[N, d]``, with respect to the logits.
    gradient: Array = None
    #: With respect to the temperature: ``[]``, or each row's part ``[N]`` with reduction none.
    part: Array = None


def make(
    kind: str,
    logits: Any,
    targets: Any,
    temperature: Any,
    *,
    candidates: Any = None,
    positives: Any = None,
    multiplicities: Any = None,
    row_weights: Any = None,
    noise_probs: Any = None,
    reduction: str = "mean",
    backend: str = "auto",
    recognise: bool = True,
) -> Tuple[Settings, Array, Array, LabelSide]:
    """Checks the shapes and types of a call. Returns its settings, logits, temperature and label side."""
    choice("reduction", reduction, _REDUCTIONS)
    choice("backend", backend, _BACKENDS)
    logits = as_floats("logits", logits)
    if logits.ndim != 2 or 0 in logits.shape:
        raise shape_error("logits", logits, "[N, d] with at least one row and one class")
    rows, classes = logits.shape
    parts = [("targets", targets), *(("candidates", part) for part in _parts(candidates))]
    found = [_segment(argument, part, classes) for argument, part in parts]
    # Candidates without rows are left out, as an empty queue gives them.
    found = [pair for index, pair in enumerate(found) if index == 0 or pair[0].first.shape[0]]
    segments, total = [pair[0] for pair in found], sum(pair[0].first.shape[0] for pair in found)
    offset, index = _positives(positives, rows)
    if index is None and offset + rows > total or total == 0:
        expected = f"at least {max(offset + rows, 1)}, one for each row of logits, or explicit positives"
        raise ValueError(f"targets and candidates have {total} rows, expected {expected}")
    side = LabelSide(
        segments=_counted(segments, multiplicities, total),
        positives=index,
        row_weights=None if row_weights is None else as_weights("row_weights", row_weights, rows, f"[{rows}]"),
        noise=None if noise_probs is None else as_floats("noise_probs", noise_probs),
    )
    if side.noise is not None and side.noise.shape != (classes,):
        raise shape_error("noise_probs", side.noise, f"[{classes}]")
    settings = Settings(
        kind, tuple(pair[1] for pair in found), offset, reduction, flag("recognise", recognise), backend
    )
    return settings, logits, temperature_of(temperature, logits.dtype), side


def temperature_of(value: Any, dtype: Any) -> Array:
    """The temperature ``[]`` in the type of the sums. A number is checked now, an array where the loss reads it."""
    sums = np.dtype(wide(dtype))
    if not isinstance(value, (jax.Array, np.ndarray)):
        return jnp.asarray(as_temperature(value, sums))
    if value.size != 1 or value.dtype.name not in FLOATS:
        found = f"shape {list(value.shape)} and dtype {value.dtype}"
        raise ValueError(f"temperature has {found}, expected one float")
    return as_array("temperature", value).reshape(()).astype(sums)


def _parts(candidates: Any) -> Sequence[Any]:
    """A list of candidates. A list of numbers is one entry, as for the targets; a list with arrays is several."""
    if candidates is None:
        return ()
    one = (jax.Array, np.ndarray, MixedTargets, NumpyTargets)
    several = isinstance(candidates, (list, tuple)) and (
        not candidates or any(isinstance(part, one) for part in candidates)
    )
    return candidates if several else (candidates,)


def _segment(argument: str, targets: Any, classes: int) -> Tuple[Segment, Optional[float]]:
    """Targets in any form as a segment, and the uniform share if it is one number."""
    if isinstance(targets, NumpyTargets):
        targets = MixedTargets.from_numpy(targets)
    if isinstance(targets, MixedTargets):
        if targets.classes.ndim != 2:
            raise shape_error(f"{argument}.classes", targets.classes, "[M, K]")
        if targets.num_classes != classes:
            raise shape_error(argument, targets, f"[M, {classes}], as the logits have classes")
        fixed = targets.uniform if isinstance(targets.uniform, float) else None
        array = None if fixed is not None else as_array("uniform", targets.uniform)
        shares = None if array is None else array.astype(wide(array.dtype))
        return Segment(targets.classes, targets.weights, shares), fixed
    array = as_array(argument, targets)
    if array.dtype.name in INTEGERS:
        if array.ndim != 1:
            raise shape_error(argument, array, "[M] class indices")
        array = of_32_bits(array)
    elif array.dtype.name not in FLOATS:
        raise TypeError(f"{argument} has dtype {array.dtype}, expected class indices or float probabilities")
    elif array.ndim != 2 or array.shape[1] != classes:
        raise shape_error(argument, array, f"[M, {classes}] probabilities")
    return Segment(array), 0.0


def _positives(positives: Any, rows: int) -> Tuple[int, Optional[Array]]:
    """The index of the first row's positive, or the positives of all rows."""
    if positives is None:
        return 0, None
    if not isinstance(positives, jax.core.Tracer) and np.ndim(positives) == 0:
        first = integer("positives", positives, None)
        if first < 0:
            raise IndexError(f"positives is {first}, expected the index of the first row's positive")
        return first, None
    index = as_integers("positives", positives)
    if index.ndim == 0:
        return 0, index.astype(int) + jnp.arange(rows)
    if index.shape != (rows,):
        raise shape_error("positives", index, f"[{rows}], one for each row of logits")
    return 0, index


def _counted(segments: List[Segment], multiplicities: Any, total: int) -> Tuple[Segment, ...]:
    if multiplicities is None:
        return tuple(segments)
    expected = f"[{total}] numbers, over targets and candidates"
    counts = as_weights("multiplicities", multiplicities, total, expected)
    ends = np.cumsum([segment.first.shape[0] for segment in segments])[:-1]
    return tuple(segment._replace(counts=part) for segment, part in zip(segments, jnp.split(counts, ends)))
