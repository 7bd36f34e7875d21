"""The losses by their definition in double precision, with bounds on the rounding errors of an implementation.

It shares no code with the package and its tests. With the scores ``S = Z / tau - log eta`` and ``A = S W^T``, soft
target InfoNCE (Hugger and Uhlmann, arXiv 2404.14076) is ``L_i = log sum_j m_j exp(A_ij) - A_i,p(i)``, and
``dL_i/dZ_i = (sum_j P_ij W_j - W_p(i)) / tau`` with ``P_ij = m_j exp(A_ij) / sum_l m_l exp(A_il)``. InfoNCE is the same
of one-hot rows W. Soft target cross-entropy with class weights c is ``L_i = -sum_k c_k W_ik log softmax(Z_i / tau)_k``.

The bounds: an implementation with the unit roundoff u computes each score with an error of a few u times the sizes of
its terms, ``t_ij = c u (1 + sum_k |W_jk| |S_ik|)``. The factor c belongs to a sum of n terms, whose rounding errors
grow like n where all terms are equal. The effect on the results follows from the definition. With
``T_i = log sum_j P_ij exp(t_ij)``, the loss changes by at most ``T_i + t_i,p(i)``, and a probability at most by the
factor ``exp(t_ij + T_i)``. Rounding of the results adds a few u times the sizes of their terms. So a large error in the
score of a candidate far below the others allows no error in the results, and a gradient must be right relative to the
probabilities of the candidates that it pushes away, even where these are 1e-20.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional, Tuple

import numpy as np

__all__ = [
    "Bounded",
    "Exact",
    "Precision",
    "Problem",
    "differences",
    "evaluate",
    "of_compact",
    "of_dense",
    "of_labels",
    "smoothed",
]

Array = Any

#: A sum within this distance of 1 counts as 1, as rounding.
ROUNDING = 1e-14


class Problem(NamedTuple):
    """A loss of N rows over d classes and M candidates, in double precision."""

    contrastive: bool
    #: ``[N, d]``
    logits: Array
    #: ``[M, d]``, each row sums to 1.
    targets: Array
    #: The sizes of the terms that each entry is the sum of, ``[M, d]``: a share may be the uniform one less a weight.
    sizes: Array
    #: The row of ``targets`` that belongs to each row of logits, ``[N]``.
    positives: Array
    temperature: float
    #: ``[d]``
    noise: Optional[Array]
    #: ``[M]``
    multiplicities: Array
    #: ``[d]``, for cross-entropy.
    class_weights: Optional[Array]
    #: ``[N]``
    row_weights: Array
    #: What the mean divides by.
    divisor: float
    reduction: str
    #: The gradient of what follows with respect to the loss, ``[]`` or ``[N]``.
    upstream: Array


class Precision(NamedTuple):
    """The floats that an implementation computes with."""

    #: The unit roundoff.
    unit: float
    #: The smallest normal number.
    smallest: float


class Bounded(NamedTuple):
    """Values, and the largest error that rounding may give each."""

    value: Array
    bound: Array


class Exact(NamedTuple):
    """A loss and its gradients with respect to the logits and the temperature, times the upstream gradient."""

    loss: Bounded
    logits: Bounded
    temperature: Bounded


def of_labels(labels: Array, classes: int) -> Array:
    """Class indices ``[M]`` as rows ``[M, d]``."""
    out = np.zeros((len(labels), classes))
    out[np.arange(len(labels)), labels] = 1.0
    return out


def of_dense(rows: Array) -> Array:
    """Probabilities ``[M, d]``, each row divided by its sum."""
    return rows / rows.sum(1, keepdims=True)


def of_compact(uniform: Any, listed: Array, weights: Array, classes: int) -> Tuple[Array, Array]:
    """Compact rows, ``uniform_j / d + sum_k weights_jk onehot(listed_jk)``, and the sizes of their terms.

    Rows whose sum is off by more than rounding are made to sum to 1. If all have one uniform share, this share stands
    and the weights are scaled, otherwise the whole row is.
    """
    shares = np.broadcast_to(np.asarray(uniform, np.float64), len(listed)).copy()
    sums = weights.sum(1)
    off = np.abs(sums + shares - 1.0) > ROUNDING
    if np.ndim(uniform) == 0:
        scale = np.where(off & (sums != 0.0), (1.0 - shares) / np.where(sums == 0.0, 1.0, sums), 1.0)
    else:
        scale = np.where(off, 1.0 / (sums + shares), 1.0)
        shares = shares * scale
    rows = np.repeat(shares[:, None] / classes, classes, axis=1)
    sizes, places = rows.copy(), (np.arange(len(listed))[:, None], listed)
    np.add.at(rows, places, weights * scale[:, None])
    np.add.at(sizes, places, np.abs(weights) * scale[:, None])
    return rows, sizes


def smoothed(rows: Array, smoothing: float) -> Array:
    """Rows ``[M, d]`` with label smoothing."""
    return rows * (1.0 - smoothing) + smoothing / rows.shape[1]


def evaluate(problem: Problem, precision: Precision) -> Exact:
    """The loss and its gradients."""
    rows = _contrastive(problem, precision) if problem.contrastive else _cross_entropy(problem, precision)
    weights, mean = problem.row_weights, problem.reduction == "mean"
    if mean:
        weights = weights / problem.divisor if problem.divisor > 0.0 else np.zeros_like(weights)
    factors = weights * problem.upstream
    loss = Bounded(weights * rows.loss.value, weights * (rows.loss.bound + precision.unit * np.abs(rows.loss.value)))
    if problem.reduction != "none":
        error = loss.bound.sum() + _sum_error(precision, len(weights)) * np.abs(loss.value).sum()
        loss = Bounded(loss.value.sum(), error)
        if mean and problem.divisor == 0.0:
            loss = Bounded(np.array(np.nan), np.array(0.0))
    few, size = 4.0 * precision.unit, np.abs(factors)
    gradient = factors[:, None] * rows.logits.value
    # Underflow, before and after the factor.
    error = size[:, None] * (rows.logits.bound + precision.smallest) + few * np.abs(gradient) + precision.smallest
    parts = factors * rows.temperature.value
    off = size * rows.temperature.bound + _sum_error(precision, len(parts)) * np.abs(parts) + precision.smallest
    return Exact(loss, Bounded(gradient, error), Bounded(parts.sum(), off.sum()))


def differences(problem: Problem, source: np.random.Generator) -> float:
    """How far the gradients are from central differences along a random direction, relative to their terms."""
    precision = Precision(0.0, 0.0)
    exact = evaluate(problem, precision)
    direction, step = source.standard_normal(problem.logits.shape), 1e-5 * problem.temperature
    worst = 0.0
    for along, by in ((direction, 0.0), (0.0 * direction, 1.0)):

        def objective(sign: float, along: Array = along, by: float = by) -> float:
            moved = problem._replace(
                logits=problem.logits + sign * step * along, temperature=problem.temperature + sign * step * by
            )
            return float((problem.upstream * evaluate(moved, precision).loss.value).sum())

        found = (objective(1.0) - objective(-1.0)) / (2.0 * step)
        terms = exact.logits.value * along
        expected = terms.sum() + by * exact.temperature.value
        size = np.abs(terms).sum() + by * _temperature_terms(problem, exact)
        # The rounding of the losses, whose terms are of size 1 and more.
        lost = 1e-15 * (1.0 + abs(objective(0.0))) / step
        worst = max(worst, abs(found - expected) / (size + 1e4 * lost + 1e-300))
    return worst


def _temperature_terms(problem: Problem, exact: Exact) -> float:
    centred = problem.logits - problem.logits.max(1, keepdims=True)
    return float(np.abs(exact.logits.value * centred).sum() / problem.temperature)


def _sum_error(precision: Precision, terms: int) -> float:
    """The error of a sum relative to its terms. They may all be equal, and then all additions round in one direction.

    Implementations add up long sums in stretches, the kernels in stretches of 512 terms at most.
    """
    return precision.unit * (8.0 + 0.3 * min(terms, 512))


def _log_sum_exp(values: Array) -> Array:
    """Over the last dimension."""
    peak = values.max(1, keepdims=True)
    return (peak + np.log(np.exp(values - peak).sum(1, keepdims=True)))[:, 0]


def _scores(problem: Problem) -> Tuple[Array, Array, Array]:
    """The logits less the largest of their row, the scores, and the size of the terms of each score, all ``[N, d]``.

    A constant subtracted from the logits of a row changes no loss, as each target sums to 1.
    """
    centred = problem.logits - problem.logits.max(1, keepdims=True)
    scores = centred / problem.temperature
    size = np.abs(scores)
    if problem.contrastive and problem.noise is not None:
        log_noise = np.log(problem.noise / problem.noise.sum())
        scores = scores - log_noise
        size = size + np.maximum(-log_noise, log_noise - log_noise.min())
    return centred, scores, size


def _moved(log_posterior: Array, total: Array, off: Array) -> Tuple[Array, Array]:
    """How far scores that are off by ``off`` move each probability, and T."""
    shift = np.maximum(_log_sum_exp(log_posterior + off), 0.0)
    exponent = off + shift[:, None]
    small = total * np.expm1(np.minimum(exponent, 1.0))
    large = np.exp(np.minimum(log_posterior + exponent, 0.0))
    return np.where(exponent < 1.0, small, large), shift


def _contrastive(problem: Problem, precision: Precision) -> Exact:
    """Losses and gradients of the rows."""
    weights, tau, rows = problem.targets, problem.temperature, np.arange(len(problem.logits))
    centred, scores, size = _scores(problem)
    critic = scores @ weights.T
    with np.errstate(divide="ignore"):
        log_times = np.log(problem.multiplicities)
    counted = critic + log_times
    log_sum = _log_sum_exp(counted)
    log_posterior = counted - log_sum[:, None]
    coefficients = np.exp(log_posterior)
    coefficients[rows, problem.positives] = 0.0
    # P - 1 of the positive, as minus the probability of all others: P may be near 1.
    coefficients[rows, problem.positives] = -coefficients.sum(1)
    losses = log_sum - critic[rows, problem.positives]
    gradients = coefficients @ weights / tau
    by_temperature = -(gradients * centred).sum(1) / tau

    each, adding = _sum_error(precision, weights.shape[1]), _sum_error(precision, len(weights))
    counts = np.abs(np.where(problem.multiplicities > 0, log_times, 0.0))
    off = each * (1.0 + size @ problem.sizes.T + counts + counts.max())
    moved, shift = _moved(log_posterior, np.exp(log_posterior), off)
    # Terms so far below the largest are 0 in this precision.
    moved += precision.smallest / max(precision.unit, 1e-300)
    moved[rows, problem.positives] = 0.0
    moved[rows, problem.positives] = moved.sum(1)
    gradient_error = (moved + (each + adding) * np.abs(coefficients)) @ problem.sizes / tau
    temperature_error = ((gradient_error + each * np.abs(gradients)) * np.abs(centred)).sum(1) / tau
    return Exact(
        Bounded(losses, shift + off[rows, problem.positives] + adding),
        Bounded(gradients, gradient_error),
        Bounded(by_temperature, temperature_error),
    )


def _cross_entropy(problem: Problem, precision: Precision) -> Exact:
    """Losses and gradients of the rows."""
    tau, targets, sizes = problem.temperature, problem.targets[problem.positives], problem.sizes[problem.positives]
    by_class = 1.0 if problem.class_weights is None else problem.class_weights
    weights, sizes = targets * by_class, sizes * by_class
    total = weights.sum(1, keepdims=True)
    centred, scores, size = _scores(problem)
    log_posterior = scores - _log_sum_exp(scores)[:, None]
    posterior = np.exp(log_posterior)
    losses = -(weights * log_posterior).sum(1)
    gradients = (total * posterior - weights) / tau
    by_temperature = -(gradients * centred).sum(1) / tau

    each = _sum_error(precision, targets.shape[1])
    off = each * (1.0 + size)
    moved, shift = _moved(log_posterior, posterior, off)
    moved += precision.smallest / max(precision.unit, 1e-300)
    # The largest entry may be computed as (1 - W) - (1 - P), as P may be near 1.
    rounding = each * (total * posterior + sizes) + 2.0 * precision.unit * (total - weights)
    gradient_error = (total * moved + rounding) / tau
    temperature_error = ((gradient_error + each * np.abs(gradients)) * np.abs(centred)).sum(1) / tau
    return Exact(
        Bounded(losses, (sizes * (off + shift[:, None])).sum(1) + each * np.abs(losses)),
        Bounded(gradients, gradient_error),
        Bounded(by_temperature, temperature_error),
    )
