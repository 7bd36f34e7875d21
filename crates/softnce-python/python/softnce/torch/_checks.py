"""The checks of the kernels for tensors on other devices: shapes on the host, values on the device.

All value checks together wait for the device once.
"""

from __future__ import annotations

import math
from typing import Iterator, List, Optional, Union

import torch
from torch import Tensor

from softnce._warnings import warn
from softnce.torch import _kernel
from softnce.torch._call import CONTRASTIVE, Call, Needs, Segment, noise_fits, wide
from softnce.torch.targets import simplex_tolerance, widest

__all__ = ["LAMBDA_WARNING", "ask_kernels", "check_shapes", "check_values", "shapes_fit"]

LAMBDA_WARNING = (
    "all rows are mixed with one lambda and the batch is its own only source of candidates: "
    "soft target InfoNCE may then have no finite optimum and fall to 0 as the logits grow; "
    "draw one lambda per row, or add candidates from elsewhere"
)
DISTRIBUTION_WARNING = (
    "targets spread over many classes are the only candidates of soft target InfoNCE: if they are "
    "distributions to be matched (a teacher's probabilities, votes), the candidates shift the optimum away "
    "from them; cross-entropy matches them, and so does this loss with classes as candidates"
)
#: Rows looked at, and the weighted classes that mixed labels have at most, as in the kernels.
_ROWS, _MOST_MIXED, _LEAST_WEIGHT, _MOST_SCATTERED = 16, 4, 0.005, 0.1
#: How many more calls look at the targets for each warning, which is issued once. Only the first calls look, because
#: the targets of a training run are usually all of one kind.
_looks_left = {LAMBDA_WARNING: 8, DISTRIBUTION_WARNING: 8}


def check_shapes(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> None:
    """Raises the errors of the kernels for shapes that do not match."""
    if not shapes_fit(call, logits):
        ask_kernels(call, logits, temperature)


def check_values(call: Call, segments: List[Segment], logits: Tensor, temperature: Optional[Tensor]) -> Tensor:
    """Raises the errors and warnings of the kernels for bad values; waits for the device once.

    If a check fails, the call is passed to the kernels, so that their message names the entry. ``segments`` are the
    segments of the call, with dense rows in their compact form if one was found. Returns the largest logit of each row,
    ``[N]``, which the loss needs as well.
    """
    low, high = torch.aminmax(logits.detach().to(wide(logits.dtype)), dim=1)
    flags = [flag.reshape(()) for flag in _flags(call, segments, low, high, logits.shape[1], temperature)]
    doubts = [(LAMBDA_WARNING, _shared_weight), (DISTRIBUTION_WARNING, _are_distributions)]
    looks = [(message, look) for message, look in doubts if call.kind in CONTRASTIVE and _looks_left[message] > 0]
    looked = [(message, look(segments)) for message, look in looks]
    found = [(flag, message) for message, flag in looked if flag is not None]
    answers = torch.stack([*flags, *[flag for flag, _ in found]]).tolist()
    if any(answers[: len(flags)]):
        ask_kernels(call, logits, temperature)
    for (_, message), answer in zip(found, answers[len(flags) :]):
        _looks_left[message] = 0 if answer else _looks_left[message] - 1
        if answer:
            warn([message])
    return high


def _are_distributions(segments: List[Segment]) -> Optional[Tensor]:
    """Whether rows have weight on more classes than mixed labels; None if the warning cannot apply."""
    weights = segments[0].first if segments[0].is_dense() else segments[0].second
    if len(segments) != 1 or weights is None or weights.shape[1] <= _MOST_MIXED + segments[0].is_dense():
        return None
    weights = weights[:: max(1, -(-weights.shape[0] // _ROWS))]
    weights = weights.to(wide(weights.dtype))
    # Above the uniform share, which compact rows state and dense rows show as their smallest weight.
    above = weights - weights.amin(1, keepdim=True) if segments[0].is_dense() else weights
    others = above.sort(1, descending=True).values[:, _MOST_MIXED:]
    return ((others[:, 0] > _LEAST_WEIGHT) | (others.sum(1) > _MOST_SCATTERED)).sum() >= 2


def _shared_weight(segments: List[Segment]) -> Optional[Tensor]:
    """Whether all rows mixed from two classes share one weight; None if the warning cannot apply."""
    weights = segments[0].second
    if len(segments) != 1 or weights is None or weights.shape[1] != 2:
        return None
    mixed = (weights > 1e-6).all(1)
    share = weights.amax(1) / weights.sum(1)
    low = share.masked_fill(~mixed, float("inf")).amin()
    high = share.masked_fill(~mixed, float("-inf")).amax()
    return (mixed.sum() >= 2) & (high - low <= 1e-5)


def shapes_fit(call: Call, logits: Tensor) -> bool:
    """Whether shapes, and a temperature that is a number, are possible."""
    rows, num_classes = logits.shape
    candidates = sum(segment.rows() for segment in call.segments)
    lengths = (
        (call.noise, num_classes),
        (call.row_weights, rows),
        (call.positives, rows),
    )
    fit = all(vector is None or vector.shape[0] == length for vector, length in lengths)
    # Explicit positives may share candidates; their range is checked with the values.
    needed = 1 if call.positives is not None else call.offset + rows
    sizes = rows > 0 and num_classes > 0 and candidates >= needed
    return fit and sizes and _usable(call.temperature, logits) and all([part.rows() > 0 for part in call.segments])


def _usable(temperature: float, logits: Tensor) -> bool:
    """Whether a number is a temperature whose reciprocal the type of the sums can represent."""
    largest = torch.finfo(wide(logits.dtype)).max
    return 0 < temperature < largest and math.log2(math.e) / temperature <= largest


def _flags(
    call: Call, segments: List[Segment], low: Tensor, high: Tensor, num_classes: int, temperature: Optional[Tensor]
) -> Iterator[Tensor]:
    """Tensors that are true if something is wrong or may be wrong. A temperature that is a number has been checked."""
    sums, device = low.dtype, low.device
    tau: Union[float, Tensor] = call.temperature
    if temperature is not None:
        tau = temperature.detach().to(device, sums)
        yield ~((tau > 0) & tau.isfinite() & (math.log2(math.e) / tau).isfinite())
    # Not finite, or so large that sums over the classes overflow.
    yield ~((high - low) / tau * num_classes <= torch.finfo(sums).max).all()
    for segment in segments:
        yield from _segment_flags(segment, num_classes)
    if call.noise is not None:
        yield ~noise_fits(call.noise)
    if call.row_weights is not None:
        weights = call.row_weights
        yield ~((weights >= 0) & weights.isfinite()).all()
        yield ~(weights > 0).any()
    if call.positives is not None:
        last = sum(segment.rows() for segment in call.segments)
        yield ((call.positives < 0) | (call.positives >= last)).any()


def _segment_flags(segment: Segment, num_classes: int) -> Iterator[Tensor]:
    first = segment.first
    if segment.is_dense():
        rows = first.to(wide(first.dtype))
        yield ~((rows >= 0).all() & ((rows.sum(1) - 1).abs() <= simplex_tolerance(first.dtype)).all())
    else:
        yield ((first < 0) | (first >= num_classes)).any()
    if segment.second is not None:
        weights = segment.second.to(widest(first.device))
        uniform = segment.uniform if segment.shares is None else segment.shares.to(weights.dtype)
        floor = uniform[:, None] if isinstance(uniform, Tensor) else uniform
        if isinstance(uniform, Tensor):
            yield ~(uniform >= 0).all()
        yield ~((weights.sum(1) + uniform - 1).abs() <= 1e-4).all()
        # A row may name a class twice: then this check can fail although the kernels accept the row.
        yield ~(weights >= -(floor + 1e-4) / num_classes).all()
    if segment.counts is not None:
        yield ~((segment.counts >= 0) & segment.counts.isfinite()).all()
        yield ~(segment.counts > 0).any()


def ask_kernels(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> None:
    """Runs the call through the kernels, whose errors name what is wrong."""

    def here(tensor: Optional[Tensor]) -> Optional[Tensor]:
        return None if tensor is None else tensor.detach().cpu()

    segments = tuple(
        Segment(part.first.detach().cpu(), here(part.second), part.uniform, here(part.shares), here(part.counts))
        for part in call.segments
    )
    tau = call.temperature if temperature is None else temperature.item()
    call = call._replace(
        segments=segments,
        positives=here(call.positives),
        row_weights=here(call.row_weights),
        noise=here(call.noise),
        temperature=tau,
    )
    _kernel.evaluate(call, logits.detach().cpu(), Needs(True, False, wide(logits.dtype)))
