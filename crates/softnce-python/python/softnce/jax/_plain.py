"""The losses in JAX operations, on any device.

Labels and compact rows are gathered, dense rows multiplied. Rows are computed in chunks, so only some of the N x M
scores exist at any time, and no array has N x M x d entries. The loss is 0 plus what the other candidates add to it:
the entry of the positive is a constant in it, so the gradient stays accurate where its probability is close to 1.
"""

from __future__ import annotations

import functools
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

import jax
import jax.numpy as jnp
import numpy as np

from softnce.jax._arrays import Array, wide
from softnce.jax._call import HARD, LabelSide, Result, Segment, Settings
from softnce.jax._values import labels_of, valid
from softnce.numpy._memory import simplex_tolerance

__all__ = ["evaluate"]

#: Scores that exist at any time: those of all candidates for the rows of one chunk.
CHUNK = 1 << 24


class _Rows(NamedTuple):
    """A segment in the type of the scores. Leaves have a row for each candidate."""

    #: ``[M]``, ``[M, K]`` or ``[M, d]``; rows are divided by their sums.
    first: Array
    second: Array = None
    #: The uniform share ``[M]``; None: nothing, or the same for all candidates and the loss does not depend on it.
    shares: Array = None


@functools.partial(jax.jit, static_argnums=(0, 1))
def evaluate(
    settings: Settings, wanted: bool, logits: Array, temperature: Array, side: LabelSide
) -> Tuple[Result, Array]:
    """The loss and, if ``wanted``, its gradients; and whether the values are valid: if not, all of it is NaN."""
    good = valid(settings, logits, temperature, side)
    sums = wide(logits.dtype)
    if settings.kind == "soft-target-cross-entropy":
        row, by_row, width = _cross_entropy(settings, side, logits, sums)
    else:
        row, by_row, width = _contrastive(settings, side, logits, sums)
    function = jax.value_and_grad(row, (0, 1)) if wanted else row
    step = max(1, CHUNK // max(width, logits.shape[1]))

    def at(rows: Tuple[Array, Any]) -> Any:
        return function(rows[0], temperature, rows[1])

    given = logits.astype(sums), by_row
    found = jax.vmap(at)(given) if len(logits) <= step else jax.lax.map(at, given, batch_size=step)
    factor = jnp.where(good, _factors(settings, side, len(logits), sums), jnp.nan)
    reduce = (lambda rows: rows) if settings.reduction == "none" else jnp.sum
    if not wanted:
        return Result(reduce(found * factor)), good
    losses, (gradient, parts) = found
    return Result(reduce(losses * factor), gradient * factor[:, None], reduce(parts * factor)), good


def _factors(settings: Settings, side: LabelSide, rows: int, sums: Any) -> Array:
    """The factor of the loss of each row ``[N]``: its weight, divided by the sum for the mean."""
    if side.row_weights is None:
        return jnp.full(rows, 1 / rows if settings.reduction == "mean" else 1.0, sums)
    weights = side.row_weights.astype(jnp.promote_types(side.row_weights.dtype, sums))
    if settings.reduction == "mean":
        # Divided by the largest weight first, so that the sum does not overflow.
        weights = weights / weights.max()
        weights = weights / weights.sum()
    return weights.astype(sums)


_Row = Callable[[Array, Array, Any], Array]


def _contrastive(settings: Settings, side: LabelSide, logits: Array, sums: Any) -> Tuple[_Row, Array, int]:
    """The loss of a row, what each row needs besides its logits, and the number of scores of a row."""
    rows, classes = logits.shape
    segments = _prepared(settings, side, sums)
    width = sum(len(part.first) for part in segments)
    positives = settings.offset + jnp.arange(rows) if side.positives is None else side.positives
    # Split over devices as the logits are.
    positives = positives + jnp.zeros_like(logits[:, 0], positives.dtype)
    log_noise = 0.0 if side.noise is None else _log(side.noise / side.noise.sum(), sums)
    counts = None
    if side.segments[0].counts is not None:
        counts = jnp.concatenate([part.counts for part in side.segments])
    merged = width > classes and all(part.first.ndim == 1 for part in segments)
    if merged:
        # Equal labels are one candidate, with a multiplicity.
        labels = jnp.concatenate([part.first.astype(int) for part in segments])
        counts = (
            jnp.zeros(classes, sums if counts is None else counts.dtype).at[labels].add(1 if counts is None else counts)
        )
        positives, width = labels[positives], classes
    log_counts = 0.0 if counts is None else _log(counts, sums)

    def row(logits: Array, temperature: Array, positive: Array) -> Array:
        scores = _centred(logits) / temperature - log_noise
        critic = scores if merged else jnp.concatenate([_score(part, scores) for part in segments])
        return jax.nn.logsumexp(_relative(critic, positive) + log_counts)

    return row, positives, width


def _cross_entropy(settings: Settings, side: LabelSide, logits: Array, sums: Any) -> Tuple[_Row, Any, int]:
    # Each row needs its own target.
    own = jax.tree_util.tree_map(lambda rows: rows[: len(logits)], _prepared(settings, side, sums, cancel=False)[0])

    def row(logits: Array, temperature: Array, target: _Rows) -> Array:
        scores = _centred(logits) / temperature
        if target.first.ndim == 0:
            return jax.nn.logsumexp(_relative(scores, target.first))
        logs = jax.nn.log_softmax(scores)
        if target.second is None:
            return -(target.first * logs).sum()
        spread = 0.0 if target.shares is None else target.shares * logs.mean()
        return -(target.second * logs[target.first]).sum() - spread

    return row, own, logits.shape[1]


def _centred(logits: Array) -> Array:
    """A row of logits relative to the largest. The losses do not depend on a constant in a row."""
    return logits - jax.lax.stop_gradient(logits.max())


def _relative(scores: Array, own: Array) -> Array:
    """The scores minus one of them, whose difference is exactly 0 and has no gradient."""
    here = jnp.arange(len(scores)) == own
    return jnp.where(here, 0, scores - jnp.where(here, scores, 0).sum())


def _score(part: _Rows, scores: Array) -> Array:
    """``S W^T``: ``[d]`` to ``[M]``."""
    if part.first.ndim == 1:
        return scores[part.first]
    if part.second is None:
        # Some devices round the factors of products otherwise.
        return jnp.matmul(part.first, scores, precision=jax.lax.Precision.HIGHEST)
    terms = (scores[part.first[:, k]] * part.second[:, k] for k in range(part.first.shape[1]))
    out = sum(terms, jnp.zeros(len(part.first), scores.dtype))
    return out if part.shares is None else out + part.shares * scores.mean()


def _prepared(settings: Settings, side: LabelSide, sums: Any, cancel: bool = True) -> List[_Rows]:
    """The segments in the type of the scores. With ``cancel``, equal uniform shares are omitted."""
    if settings.kind == HARD:
        return [_Rows(labels_of(segment)[0]) for segment in side.segments]
    dense = any(segment.second is None and segment.first.ndim == 2 for segment in side.segments)
    one = len(side.segments) == 1 and (side.segments[0].shares is None or side.segments[0].shares.ndim == 0)
    known = None not in settings.uniforms and len(set(settings.uniforms)) == 1
    equal = cancel and not dense and (one or known)
    return [_rows(*pair, sums, equal) for pair in zip(side.segments, settings.uniforms)]


def _rows(segment: Segment, uniform: Optional[float], sums: Any, equal: bool) -> _Rows:
    first, weights = segment.first, segment.second
    if weights is None:
        if first.ndim == 1:
            return _Rows(first)
        rows = first.astype(sums)
        return _Rows(rows / rows.sum(1, keepdims=True))
    share = jnp.asarray(segment.shares if uniform is None else uniform).astype(sums)
    weights = weights.astype(sums)
    total = weights.sum(1)
    if share.ndim == 0:
        # The share keeps its value, so that it is equal in all rows.
        left, coarse = 1 - share, simplex_tolerance(np.dtype(segment.second.dtype))
        near = (jnp.abs(total - left) <= coarse) & (total != 0)
        weights = weights * jnp.where(near, left / jnp.where(near, total, 1), 1)[:, None]
        share = jnp.broadcast_to(share, total.shape)
    else:
        total = total + share
        # Only where it is more than rounding: shares that are equal stay equal.
        factor = jnp.where(jnp.abs(total - 1) <= 8 * jnp.finfo(sums).eps, 1, 1 / total)
        weights, share = weights * factor[:, None], share * factor
    return _Rows(first, weights, None if equal or uniform == 0 else share)


def _log(values: Array, sums: Any) -> Array:
    """The logarithm in the wider of both types, in which the values may be below the range of the other."""
    return jnp.log(values.astype(jnp.promote_types(values.dtype, sums))).astype(sums)
