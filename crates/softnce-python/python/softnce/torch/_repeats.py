"""Recognises calls of a loss that repeat an earlier one, so that a queue counts their targets once."""

from __future__ import annotations

import weakref
from collections import deque
from dataclasses import dataclass
from itertools import dropwhile
from typing import Any, Deque, Optional, Tuple, cast

import torch
from torch import Tensor

from softnce.torch._call import Segment
from softnce.torch._memory import version
from softnce.torch._ring import Replaced, Ring, filled, undone
from softnce.torch.targets import tensors_of

__all__ = ["Record", "Repeats"]

#: Calls that are remembered: those before one backward pass, where several losses are added.
_CALLS = 4


@dataclass(eq=False)
class Record:
    """A call that has added its targets to the queue."""

    #: The tensors of its targets and their versions, which every change in place increases.
    tensors: Tuple[Tuple[Any, int], ...]
    own: Segment
    #: The targets that were in the queue before; None if they can be found from what was replaced since.
    stored: Optional[Segment]
    #: What the call and the pushes between it and the next one have replaced in the queue; None: not known.
    replaced: Optional[Replaced]

    def has(self, found: Tuple[Tensor, ...]) -> bool:
        """Whether these are the tensors of the targets, unchanged."""
        return len(self.tensors) == len(found) and all(
            reference() is tensor and before == version(tensor)
            for (reference, before), tensor in zip(self.tensors, found)
        )


class Repeats:
    """The last calls. A copy starts without them.

    A record holds the few rows that its call replaced and not the whole queue, which is rebuilt for a repeated call.
    """

    def __init__(self) -> None:
        self._records: Deque[Record] = deque(maxlen=_CALLS)

    def __reduce__(self) -> Any:
        return Repeats, ()

    def __deepcopy__(self, memo: Any) -> Repeats:
        return Repeats()

    def clear(self) -> None:
        """Forgets all calls."""
        self._records.clear()

    def add(self, targets: Any, own: Segment, stored: Optional[Segment], replaced: Optional[Replaced]) -> Record:
        """Remembers a call, by what the queue held before or by what the call has replaced."""
        tensors = tuple([(weakref.ref(tensor), version(tensor)) for tensor in tensors_of(targets)])
        record = Record(tensors, own, stored, replaced)
        self._records.append(record)
        return record

    def before(self, record: Record, ring: Ring) -> Optional[Segment]:
        """What the queue held before a call; None if that is not known any more."""
        known = record.stored is not None or any(other is record for other in self._records)
        return self._before(record, ring) if known else None

    def pushed(self, replaced: Replaced, ring: Ring) -> None:
        """Takes note of a push that belongs to no call."""
        last = self._records[-1] if self._records else None
        if last is not None and last.replaced is not None:
            last.replaced = last.replaced.then(replaced.rows, ring)

    def settle(self, ring: Ring) -> None:
        """Finds what the queue held before each call, ahead of a change that is not recorded."""
        for record in self._records:
            self._before(record, ring)

    def find(self, targets: Any, own: Segment, ring: Ring) -> Optional[Segment]:
        """What the queue held at the call that this one repeats; None if it repeats none.

        A repeated call has the same tensors as targets, unchanged. In a backward pass, where activation checkpointing
        runs a part of the model again, equal targets are enough: they may have been computed again as well.
        """
        if not self._records:
            return None
        found = tensors_of(targets)
        for record in reversed(self._records):
            # Most calls repeat none, which the first tensor shows.
            if record.tensors[0][0]() is found[0] and record.has(found):
                return self._before(record, ring)
        if torch._C._current_graph_task_id() != -1:
            for record in reversed(self._records):
                if _equal(record.own, own):
                    return self._before(record, ring)
        return None

    def found(self, stored: Segment) -> bool:
        """Whether :meth:`find` returned these targets: the call that has them repeats another one."""
        return any(record.stored is stored for record in self._records)

    def _before(self, record: Record, ring: Ring) -> Segment:
        if record.stored is None:
            since = list(dropwhile(lambda other: other is not record, self._records))
            # All are known: `settle` comes before every change that is not recorded.
            replaced = cast(Replaced, record.replaced)
            for later in since[1:]:
                replaced = replaced.then(cast(Replaced, later.replaced).rows, ring)
            record.stored = filled(undone(ring, replaced), record.own)
        return record.stored


def _equal(one: Segment, other: Segment) -> bool:
    for left, right in zip(one, other):
        if isinstance(left, Tensor) and isinstance(right, Tensor):
            if left.shape != right.shape or not torch.equal(left, right):
                return False
        elif left is not right and left != right:
            return False
    return True
