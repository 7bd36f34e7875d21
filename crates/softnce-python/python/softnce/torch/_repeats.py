"""Recognises calls of a loss that repeat an earlier one, so that a queue counts their targets once."""

from __future__ import annotations

import weakref
from collections import deque
from typing import Any, Deque, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch._call import Segment
from softnce.torch._memory import version
from softnce.torch.targets import MixedTargets

__all__ = ["Repeats"]

#: Calls that are remembered: those before one backward pass, where several losses are added.
_CALLS = 4


class _Record(NamedTuple):
    """A call that has added its targets to the queue."""

    #: The tensors of its targets and their versions, which every change in place increases.
    tensors: Tuple[Tuple[Any, int], ...]
    own: Segment
    #: The targets that were in the queue before.
    stored: Segment


class Repeats:
    """The last calls. A copy starts without them."""

    def __init__(self) -> None:
        self._records: Deque[_Record] = deque(maxlen=_CALLS)

    def __reduce__(self) -> Any:
        return Repeats, ()

    def __deepcopy__(self, memo: Any) -> Repeats:
        return Repeats()

    def clear(self) -> None:
        """Forgets all calls."""
        self._records.clear()

    def add(self, targets: Any, own: Segment, stored: Segment) -> None:
        """Remembers a call."""
        tensors = tuple((weakref.ref(tensor), version(tensor)) for tensor in _tensors(targets))
        self._records.append(_Record(tensors, own, stored))

    def find(self, targets: Any, own: Segment) -> Optional[Segment]:
        """What the queue held at the call that this one repeats; None if it repeats none.

        A repeated call has the same tensors as targets, unchanged. In a backward pass, where activation checkpointing
        runs a part of the model again, equal targets are enough: they may have been computed again as well.
        """
        found = _tensors(targets)
        for record in reversed(self._records):
            if len(record.tensors) == len(found) and all(
                reference() is tensor and before == version(tensor)
                for (reference, before), tensor in zip(record.tensors, found)
            ):
                return record.stored
        if self._records and torch._C._current_graph_task_id() != -1:
            for record in reversed(self._records):
                if _equal(record.own, own):
                    return record.stored
        return None


def _tensors(targets: Any) -> Tuple[Tensor, ...]:
    return (targets.classes, targets.weights) if isinstance(targets, MixedTargets) else (targets,)


def _equal(one: Segment, other: Segment) -> bool:
    for left, right in zip(one, other):
        if isinstance(left, Tensor) and isinstance(right, Tensor):
            if left.shape != right.shape or not torch.equal(left, right):
                return False
        elif left is not right and left != right:
            return False
    return True
