"""Random calls of the losses: every form of targets, option, type and memory layout, and values at the limits."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Tuple, Union

import fuzz_definition as definition
import numpy as np
import torch
from fuzz_definition import Problem

__all__ = ["Case", "Targets", "Values", "make", "mild", "problem"]

Array = Any
Source = np.random.Generator

SOFT, HARD, CROSS = "soft_target_info_nce", "info_nce", "soft_target_cross_entropy"
FLOATS = ["float16", "bfloat16", "float32", "float64"]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
#: The largest sizes, and the share of cases that have them. Other sizes are uniform in their logarithm.
MOST_ROWS, MOST_CLASSES, LARGE = 300, 3000, 0.003
#: Sums over the classes must stay this far below the largest number of the type that they are kept in.
HEADROOM = 64.0


class Values(NamedTuple):
    """An array as an argument: its exact values, type, and layout in memory."""

    values: Array
    dtype: str
    layout: str = "plain"


class Targets(NamedTuple):
    """Targets of M rows in one form."""

    #: ``"labels"``, ``"dense"`` or ``"compact"``.
    form: str
    #: Labels ``[M]``, probabilities ``[M, d]`` or classes ``[M, K]``.
    first: Values
    #: Weights ``[M, K]``.
    weights: Optional[Values] = None
    #: The uniform share, or one for each row ``[M]``.
    uniform: Union[float, Values] = 0.0

    def written(self, classes: int) -> Tuple[Array, Array]:
        """The rows ``[M, d]`` as the definition takes them, and the sizes of their terms."""
        if self.weights is not None:
            uniform = self.uniform.values if isinstance(self.uniform, Values) else self.uniform
            return definition.of_compact(uniform, self.first.values.astype(np.int64), self.weights.values, classes)
        if self.form == "labels":
            rows = definition.of_labels(self.first.values.astype(np.int64), classes)
        else:
            rows = definition.of_dense(self.first.values)
        return rows, rows


class Case(NamedTuple):
    """The arguments of a call."""

    number: int
    loss: str
    logits: Values
    targets: Targets
    candidates: List[Targets]
    positives: Union[None, int, Values]
    multiplicities: Optional[Values]
    row_weights: Optional[Values]
    noise: Optional[Values]
    temperature: float
    #: The type of the temperature if it is a tensor with a gradient.
    learned: Optional[str]
    reduction: str
    upstream: Array
    recognise: bool
    #: The shape of the positions and the dimension of the classes, if logits are not ``[N, d]``.
    shape: Optional[Tuple[Tuple[int, ...], int]]
    ignore_index: Optional[int]
    weight: Optional[Values]
    smoothing: float
    check_values: Any
    #: Whether the torch module is called in place of the function.
    module: bool


def chance(source: Source, share: float) -> bool:
    return bool(source.random() < share)


def pick(source: Source, options: Any) -> Any:
    return options[int(source.integers(len(options)))]


def size(source: Source, most: int, least: int = 1) -> int:
    if chance(source, LARGE):
        return most
    return int(np.exp(source.uniform(np.log(least), np.log(most + 1.0))))


def rounded(values: Array, dtype: str) -> Array:
    """The nearest numbers of a type, in double precision."""
    return torch.from_numpy(np.asarray(values, np.float64)).to(getattr(torch, dtype)).double().numpy()


def layout(source: Source, *others: str) -> str:
    return pick(source, ["strided", "transposed", "reversed", *others]) if chance(source, 0.3) else "plain"


def floats(source: Source, values: Array, dtype: str) -> Values:
    return Values(rounded(values, dtype), dtype, layout(source))


def integers(source: Source, values: Array, most: int) -> Values:
    """Integers up to ``most`` in a type that holds them."""
    dtype = pick(source, [name for name in INTEGERS if most <= np.iinfo(name).max])
    return Values(values.astype(dtype), dtype, layout(source))


# Logits ---------------------------------------------------------------------------------------------------------------


def make_logits(source: Source, rows: int, classes: int, dtype: str) -> Values:
    info = torch.finfo(getattr(torch, dtype))
    values = source.standard_normal((rows, classes))
    kind = pick(source, HOSTILE) if chance(source, 0.4) else "mild"
    if kind == "mild":
        values *= pick(source, [0.01, 0.3, 1.0, 2.0, 5.0])
    elif kind == "equal":
        values = np.full((rows, classes), pick(source, [0.0, 1.0, -3.0, 1e4]))
    elif kind == "tiny":
        values *= info.tiny / pick(source, [1.0, 4.0, 64.0])
    elif kind == "large":
        values *= pick(source, [1e2, 1e4, 1e9, 1e20 if dtype != "float16" else 1e3])
    elif kind == "beyond":
        values *= pick(source, [1e36, 1e100, 1e290] if dtype == "float64" else [1e15, 1e25, 1e33])
    elif kind == "masked":
        values[source.random((rows, classes)) < pick(source, [0.1, 0.5, 0.95])] = -1e4
    elif kind == "dominant":
        values[np.arange(rows), source.integers(classes, size=rows)] += 10.0 ** source.uniform(0.5, 4.0, rows)
    elif kind == "ties":
        values = source.integers(-2, 3, (rows, classes)).astype(np.float64)
    elif kind == "shifted":
        values += 1e4 * source.standard_normal((rows, 1))
    elif kind == "scaled":
        values *= 10.0 ** source.uniform(-3.0, 4.0, (rows, 1))
    else:
        values[:] = values[0]
    values = rounded(np.clip(values, -info.max, info.max), dtype)
    place = layout(source)
    if kind in ("equal", "repeated"):
        place = pick(source, ["plain", "expanded"])
    return Values(values, dtype, place)


HOSTILE = ["equal", "tiny", "large", "beyond", "masked", "dominant", "ties", "shifted", "scaled", "repeated"]


def make_temperature(source: Source, logits: Values) -> float:
    kind = source.random()
    if kind < 0.4:
        return 1.0
    if kind < 0.8:
        return float(np.exp(source.uniform(np.log(0.03), np.log(3.0))))
    return float(pick(source, [1e-6, 1e-4, 1e-3, 1e3, 1e6]))


def fits(logits: Values, temperature: float) -> bool:
    """Whether the scores are in the range that the losses take."""
    largest = float(np.finfo("float64" if logits.dtype == "float64" else "float32").max)
    values = logits.values
    extent = float((values.max(1) / HEADROOM - values.min(1) / HEADROOM).max())
    return extent / temperature * values.shape[1] < largest / HEADROOM**2


# Targets --------------------------------------------------------------------------------------------------------------


def make_labels(source: Source, rows: int, classes: int) -> Array:
    labels = source.integers(classes, size=rows)
    if chance(source, 0.3):
        labels[source.random(rows) < 0.3] = pick(source, [0, classes - 1])
    return labels


def make_targets(source: Source, loss: str, rows: int, classes: int, form: Optional[str] = None) -> Targets:
    """Targets in a random form that a loss takes."""
    if form is None:
        form = pick(source, ["labels", "one-hot", "hard"] if loss == HARD else FORMS)
    if form == "labels":
        return Targets(form, integers(source, make_labels(source, rows, classes), classes - 1))
    if form == "one-hot":
        values = definition.of_labels(make_labels(source, rows, classes), classes)
        return Targets("dense", floats(source, values, pick(source, FLOATS)))
    if form == "general":
        values = source.standard_normal((rows, classes)) * pick(source, [0.1, 1.0, 5.0, 20.0])
        values = np.exp(values - values.max(1, keepdims=True))
        return dense(source, values / values.sum(1, keepdims=True))
    made = compact(source, rows, classes, hard=form == "hard")
    return made if form in ("compact", "hard") else dense(source, np.maximum(made.written(classes)[0], 0.0))


FORMS = ["labels", "one-hot", "compact", "compact", "recognisable", "general"]


def dense(source: Source, rows: Array) -> Targets:
    """Rows of probabilities, rounded to a type and not quite normalised, as far as the losses allow."""
    if chance(source, 0.2):
        rows = rows * (1.0 + source.uniform(-4e-5, 4e-5, (len(rows), 1)))
    if chance(source, 0.2):
        rows = rows[source.integers(len(rows), size=len(rows))]
    for dtype in (pick(source, FLOATS), "float32"):
        values = rounded(rows, dtype)
        if (np.abs(values.sum(1) - 1.0) < {"float16": 1.5e-3, "bfloat16": 1.5e-2}.get(dtype, 8e-5)).all():
            return Targets("dense", Values(values, dtype, layout(source)))
    return Targets("dense", Values(rows, "float64", layout(source)))


def compact(source: Source, rows: int, classes: int, hard: bool) -> Targets:
    """Compact rows: some with a class below the uniform share, with a class several times, and without classes."""
    terms = pick(source, [1, 2, 2, 2, 3, 5, 24])
    listed = make_labels(source, rows * terms, classes).reshape(rows, terms)
    if hard or chance(source, 0.2):
        listed[:, 1:] = listed[:, :1]
    kind = "zero" if hard else pick(source, ["zero", "scalar", "rows"])
    uniform = source.random(rows) if kind == "rows" else np.full(rows, 0.0 if kind == "zero" else source.random())
    if kind == "rows" and chance(source, 0.2):
        uniform[:] = uniform[0] + 1e-9 * source.random(rows)
    kept = pick(source, ["float32", "float64"]) if kind == "rows" else "float64"
    uniform = rounded(uniform, kept)
    weights = source.dirichlet(np.full(terms, pick(source, [0.3, 1.0, 10.0])), rows) * (1.0 - uniform)[:, None]
    weights = np.nan_to_num(weights)
    if terms > 1 and kind != "zero" and chance(source, 0.3):
        weights[:, 1] += weights[:, 0]
        below = uniform / classes * pick(source, [0.5, 0.9, 1.0])
        weights[:, 0], weights[:, 1] = -below, weights[:, 1] + below
    if kind != "zero" and chance(source, 0.03):
        listed, weights, kind = listed[:, :0], weights[:, :0], "scalar"
        uniform[:] = 1.0
    if chance(source, 0.2):
        weights = weights * (1.0 + source.uniform(-4e-5, 4e-5, (rows, 1)))
    if chance(source, 0.2):
        again = source.integers(rows, size=rows)
        listed, weights, uniform = listed[again], weights[again], uniform[again]
    share: Union[float, Values] = floats(source, uniform, kept) if kind == "rows" else float(uniform[0])
    above = np.maximum(weights, 0.0)
    above *= ((1.0 - uniform) / np.maximum(above.sum(1), 1e-300))[:, None]
    for values, dtype in ((weights, pick(source, ["float16", "float32", "float64", "float64"])), (above, "float64")):
        given = rounded(values, dtype)
        made = Targets("compact", integers(source, listed, classes - 1), Values(given, dtype, layout(source)), share)
        if (np.abs(given.sum(1) + uniform - 1.0) < 8e-5).all() and (made.written(classes)[0] >= 0.0).all():
            break
    return made


# Options --------------------------------------------------------------------------------------------------------------


def make_numbers(source: Source, count: int, zeros: bool) -> Values:
    """Numbers of any type that weigh or count, not all 0."""
    kind = pick(source, ["integers", "truth", "floats", "floats", "extreme"])
    if kind == "integers":
        values = source.integers(0 if zeros else 1, 5, count)
    elif kind == "truth":
        values = source.random(count) < (0.7 if zeros else 2.0)
    elif kind == "floats":
        values = source.random(count) + 0.1
        values[source.random(count) < (0.2 if zeros else 0.0)] = 0.0
    else:
        values = 10.0 ** source.uniform(-15.0, 15.0, count)
    if not values.any():
        values[source.integers(count)] = 1
    if kind == "truth":
        return Values(values, "bool", layout(source))
    if kind == "integers":
        return integers(source, values, 4)
    names = ["float32", "float64"] if kind == "extreme" else FLOATS
    return floats(source, values, pick(source, names))


def make_noise(source: Source, classes: int) -> Values:
    values = source.random(classes) + 1e-3
    if chance(source, 0.3):
        values = 10.0 ** source.uniform(-30.0, 0.0, classes)
    elif chance(source, 0.2):
        values[source.integers(classes)] = 1e-30 if classes > 1 else 1.0
    return floats(source, values / values.sum(), pick(source, ["float32", "float64"]))


def make_shape(source: Source, rows: int) -> Tuple[Tuple[int, ...], int]:
    """A shape of so many positions, and the dimension of the classes."""
    factors = [part for part in range(1, rows + 1) if rows % part == 0]
    first = pick(source, factors)
    positions = pick(source, [(first, rows // first), (first, 1, rows // first), (rows,)])
    return positions, int(source.integers(-len(positions) - 1, len(positions) + 1))


def make(seed: int, number: int) -> Case:
    """The case of a number."""
    source = np.random.default_rng([seed, number])
    loss = pick(source, [SOFT, SOFT, HARD, CROSS])
    contrastive, dtype = loss != CROSS, pick(source, FLOATS)
    rows, classes = size(source, MOST_ROWS), size(source, MOST_CLASSES)
    logits = make_logits(source, rows, classes, dtype)
    temperature = make_temperature(source, logits)
    if not fits(logits, temperature):
        temperature = 1.0
    learned = pick(source, FLOATS) if chance(source, 0.4) else None
    if learned == "float16" and not 1e-3 <= temperature <= 1e3:
        learned = "float32"
    if learned is not None:
        temperature = float(rounded(np.array(temperature), learned))

    shape = make_shape(source, rows) if chance(source, 0.15) else None
    if shape is not None:
        logits = logits._replace(layout="plain")
    ignoring = chance(source, 0.2)
    mode = "own" if shape or ignoring or not contrastive else pick(source, ["own", "own", "offset", "index"])
    own = rows
    if mode == "index":
        own = size(source, MOST_ROWS)
    elif contrastive and shape is None and chance(source, 0.3):
        own = rows + int(source.integers(60))
    targets = make_targets(source, loss, own, classes, "labels" if ignoring and chance(source, 0.8) else None)
    candidates: List[Targets] = []
    if contrastive and chance(source, 0.4):
        for _ in range(pick(source, [0, 1, 1, 2, 3])):
            count = 0 if chance(source, 0.1) else size(source, MOST_ROWS)
            candidates.append(make_targets(source, loss, count, classes) if count else nothing(source, classes))
    total = own + sum(len(part.first.values) for part in candidates)
    positives: Union[None, int, Values] = None
    if mode == "offset":
        positives = int(source.integers(total - rows + 1))
    elif mode == "index":
        positives = integers(source, source.integers(total, size=rows), total - 1)

    ignore_index = None
    if ignoring:
        ignore_index = int(pick(source, [-100, 0, classes - 1, 255]))
        if targets.form == "labels":
            targets = ignored(source, targets, ignore_index)
    reduction = pick(source, ["none", "mean", "mean", "sum"])
    upstream = np.ones(rows if reduction == "none" else ())
    if chance(source, 0.6):
        upstream = source.standard_normal(upstream.shape) * pick(source, [1.0, 1.0, 1024.0, 1e-6])
    return Case(
        number=number,
        loss=loss,
        logits=logits,
        targets=targets,
        candidates=candidates,
        positives=positives,
        multiplicities=make_numbers(source, total, not ignoring) if contrastive and chance(source, 0.35) else None,
        row_weights=make_numbers(source, rows, True) if chance(source, 0.35) else None,
        noise=make_noise(source, classes) if contrastive and chance(source, 0.6) else None,
        temperature=temperature,
        learned=learned,
        reduction=reduction,
        upstream=rounded(upstream, "float64" if dtype == "float64" else "float32"),
        recognise=chance(source, 0.7),
        shape=shape,
        ignore_index=ignore_index,
        weight=make_class_weights(source, classes) if not contrastive and chance(source, 0.3) else None,
        smoothing=pick(source, [1e-3, 0.1, 0.9, 1.0]) if not contrastive and chance(source, 0.3) else 0.0,
        check_values=pick(source, [True, True, True, "now", False]),
        module=learned is None and chance(source, 0.4),
    )


def nothing(source: Source, classes: int) -> Targets:
    """No candidates, in some form."""
    if chance(source, 0.5):
        return Targets("labels", Values(np.zeros(0, np.int64), "int64"))
    return Targets("dense", Values(np.zeros((0, classes)), "float32"))


def make_class_weights(source: Source, classes: int) -> Values:
    values = source.random(classes) + 0.05
    if chance(source, 0.3):
        values[source.random(classes) < 0.3] = 0.0
    return floats(source, values, pick(source, ["float32", "float64"]))


def ignored(source: Source, targets: Targets, index: int) -> Targets:
    """Labels of which some have the value that is ignored."""
    values = targets.first.values.copy()
    info = np.iinfo(values.dtype)
    if info.min <= index <= info.max:
        values[source.random(len(values)) < pick(source, [0.1, 0.5, 1.0])] = index
    return targets._replace(first=targets.first._replace(values=values))


# What the case asks for -----------------------------------------------------------------------------------------------


def problem(case: Case) -> Problem:
    """The case as the definition takes it."""
    rows, classes = case.logits.values.shape
    labels = case.targets.first.values if case.targets.form == "labels" else None
    valid = np.ones(len(case.targets.first.values), bool)
    targets = case.targets
    if labels is not None and case.ignore_index is not None:
        valid = np.array([int(label) != case.ignore_index for label in labels])
        targets = targets._replace(first=targets.first._replace(values=np.where(valid, labels, 0)))
    written = [targets.written(classes)] + [part.written(classes) for part in case.candidates]
    weights, sizes = (np.concatenate(parts) for parts in zip(*written))
    if case.smoothing:
        weights, sizes = (definition.smoothed(rows, case.smoothing) for rows in (weights, sizes))
    times = np.ones(len(weights)) if case.multiplicities is None else case.multiplicities.values.astype(np.float64)
    times = times * np.concatenate((valid, np.ones(len(weights) - len(valid), bool)))
    given = np.ones(rows) if case.row_weights is None else case.row_weights.values.astype(np.float64)
    given = given * valid[:rows] if case.positives is None else given
    positives = case.positives if isinstance(case.positives, Values) else np.arange(rows) + (case.positives or 0)
    divisor = given.sum()
    if case.weight is not None and labels is not None:
        divisor = (given * case.weight.values[targets.first.values[:rows].astype(np.int64)]).sum()
    return Problem(
        contrastive=case.loss != CROSS,
        logits=case.logits.values,
        targets=weights,
        sizes=sizes,
        positives=positives.values.astype(np.int64) if isinstance(positives, Values) else positives,
        temperature=case.temperature,
        noise=None if case.noise is None else case.noise.values,
        # Where no row counts, no candidate need count either.
        multiplicities=times if times.any() else np.ones_like(times),
        class_weights=None if case.weight is None else case.weight.values,
        row_weights=given,
        divisor=float(divisor),
        reduction=case.reduction,
        upstream=case.upstream,
    )


def mild(case: Problem) -> bool:
    """Whether differences of losses in double precision say something about their gradients."""
    scores = np.abs(case.logits).max() / case.temperature
    heavy = max(case.row_weights.max(initial=1.0), case.multiplicities.max(), np.abs(case.upstream).max())
    return bool(scores < 100.0 and case.logits.size < 20_000 and heavy < 1e4)
