"""The kernels' checks of values, as one truth value: under ``jax.jit`` no error can be raised."""

from __future__ import annotations

import math
from typing import Iterator, Optional, Tuple

import jax.numpy as jnp
import numpy as np

from softnce.jax._arrays import Array, wide
from softnce.jax._call import HARD, LabelSide, Segment, Settings
from softnce.numpy._memory import simplex_tolerance

__all__ = ["labels_of", "valid"]

#: How far the sum of a compact row may be from 1.
_TOLERANCE = 1e-4


def valid(settings: Settings, logits: Array, temperature: Array, side: LabelSide) -> Array:
    """Whether the kernels would accept the values of a call, ``[]``."""
    return jnp.stack([jnp.all(check) for check in _checks(settings, logits, temperature, side)]).all()


def labels_of(segment: Segment) -> Tuple[Array, Array]:
    """The labels of one-hot rows ``[M]``, and whether each row is one-hot."""
    if segment.first.ndim == 1:
        return segment.first, jnp.ones(len(segment.first), bool)
    if not segment.first.shape[1]:
        return jnp.zeros(len(segment.first), int), jnp.zeros(len(segment.first), bool)
    if segment.second is None:
        label, entries = segment.first.argmax(1), segment.first
        alone = (entries != 0).sum(1) == 1
    else:
        entries = _merged(segment.first, segment.second)
        place = jnp.abs(entries).argmax(1)
        label = jnp.take_along_axis(segment.first, place[:, None], 1)[:, 0]
        alone = ((entries == 0) | (segment.first == label[:, None])).all(1)
        alone &= True if segment.shares is None else segment.shares == 0
    tolerance = simplex_tolerance(np.dtype(entries.dtype))
    return label, alone & (jnp.abs(entries.max(1).astype(wide(entries.dtype)) - 1) <= tolerance)


def _checks(settings: Settings, logits: Array, temperature: Array, side: LabelSide) -> Iterator[Array]:
    sums, classes = wide(logits.dtype), logits.shape[1]
    yield (temperature > 0) & jnp.isfinite(temperature) & jnp.isfinite(math.log2(math.e) / temperature)
    # Neither infinite nor NaN, nor so far apart that sums over the classes overflow.
    low, high = logits.min(1).astype(sums), logits.max(1).astype(sums)
    yield (high - low) / temperature * classes <= jnp.finfo(sums).max
    for segment, uniform in zip(side.segments, settings.uniforms):
        yield from _segment_checks(segment, uniform, classes)
        if settings.kind == HARD:
            yield labels_of(segment)[1] if uniform == 0 or uniform is None else jnp.array(False)
    if side.noise is not None:
        noise = side.noise.astype(jnp.promote_types(side.noise.dtype, sums))
        yield noise > 0
        yield jnp.abs(noise.sum() - 1) <= _TOLERANCE
    counts = [segment.counts for segment in side.segments if segment.counts is not None]
    for masses in (side.row_weights, jnp.concatenate(counts) if counts else None):
        if masses is not None:
            yield (masses >= 0) & jnp.isfinite(masses)
            yield (masses > 0).any()
    if side.positives is not None:
        yield (side.positives >= 0) & (side.positives < sum(len(segment.first) for segment in side.segments))


def _segment_checks(segment: Segment, uniform: Optional[float], classes: int) -> Iterator[Array]:
    first, weights = segment.first, segment.second
    if weights is None and first.ndim == 2:
        rows = first.astype(wide(first.dtype))
        yield rows >= 0
        yield jnp.abs(rows.sum(1) - 1) <= simplex_tolerance(np.dtype(first.dtype))
        return
    yield (first >= 0) & (first < classes)
    if weights is None:
        return
    sums = wide(weights.dtype)
    share = jnp.asarray(segment.shares if uniform is None else uniform).astype(sums)
    yield (share >= 0) & (share <= classes * (1 + _TOLERANCE))
    # Equal shares cancel, so the kernels scale the weights to what the share leaves, however coarse they are.
    coarse = simplex_tolerance(np.dtype(weights.dtype)) if share.ndim == 0 else _TOLERANCE
    yield jnp.abs(weights.astype(sums).sum(1) + share - 1) <= coarse
    floor = share[:, None] if share.ndim else share
    yield _merged(first, weights.astype(sums)) + floor / classes >= -_TOLERANCE / classes


def _merged(classes: Array, weights: Array) -> Array:
    """The weight of the class of each entry ``[M, K]``, which a row may list several times."""
    return jnp.where(classes[:, :, None] == classes[:, None, :], weights[:, None, :], 0).sum(2)
