"""The candidates of a linear head in a form that lists every class which contributes."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from softnce.torch._call import Segment, compact_segment
from softnce.torch.targets import MixedTargets, recognise, widest

__all__ = ["FEW", "listed", "shares"]

#: With at most so many classes, rows that have no other form list all of them.
FEW = 64


def listed(segments: Sequence[Segment], num_classes: int) -> List[Segment]:
    """Labels, or compact rows with at least one class whose uniform shares cancel.

    Raises:
        ValueError: dense rows have no compact form; with many classes, because few are then written out.
    """
    found = [_compact(segment) for segment in segments]
    compact = [segment for segment in found if segment is not None]
    if len(compact) == len(segments) and (num_classes > FEW or _equal(compact)):
        return [_nonempty(segment) for segment in compact]
    if num_classes > FEW:
        message = f"the loss of a linear head with more than {FEW} classes takes hard or compact targets"
        raise ValueError(f"{message}, targets came as dense rows")
    return [_every_class(segment, num_classes) for segment in segments]


def shares(segments: Sequence[Segment]) -> Tuple[float, float]:
    """The smallest and the largest uniform share of all candidates."""
    low, high = float("inf"), float("-inf")
    for segment in segments:
        ends = (segment.uniform, segment.uniform)
        if segment.shares is not None:
            ends = (float(segment.shares.min()), float(segment.shares.max()))
        low, high = min(low, ends[0]), max(high, ends[1])
    return low, high


def _equal(segments: Sequence[Segment]) -> bool:
    low, high = shares(segments)
    return high - low <= torch.finfo(torch.float32).eps


def _compact(segment: Segment) -> Optional[Segment]:
    """Labels and compact rows unchanged; dense rows in their compact form, None if they have none."""
    if not segment.is_dense():
        return segment
    found = recognise(segment.first)
    return None if found is None else compact_segment(found, segment.counts)


def _nonempty(segment: Segment) -> Segment:
    """Rows that are all uniform list no class; a class of weight 0 gives them the shape of others."""
    if segment.second is None or segment.first.shape[1] > 0:
        return segment
    classes = segment.first.new_zeros(segment.rows(), 1)
    return segment._replace(first=classes, second=segment.second.new_zeros(segment.rows(), 1))


def _every_class(segment: Segment, num_classes: int) -> Segment:
    """Rows with a weight for each class and no uniform share; labels unchanged."""
    if segment.second is None and segment.first.dim() == 1:
        return segment
    if segment.second is None:
        rows = segment.first.to(widest(segment.first.device))
        # As the losses of logits do: rows may sum to 1 up to the rounding of their type.
        rows = rows / rows.sum(1, keepdim=True)
    else:
        rows = _dense(segment, num_classes)
    classes = torch.arange(num_classes, device=rows.device).expand(len(rows), num_classes)
    return Segment(classes, rows, 0.0, None, segment.counts)


def _dense(segment: Segment, num_classes: int) -> Tensor:
    uniform = segment.uniform if segment.shares is None else segment.shares
    assert segment.second is not None
    targets = MixedTargets.compact(uniform, segment.first, segment.second, num_classes)
    return targets.dense(widest(segment.first.device))
