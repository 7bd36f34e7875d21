"""A queue of past targets: additional candidates that need no forward pass."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional, cast

import torch
from torch import Tensor

from softnce._settings import integer
from softnce.torch._buffers import WideBuffers
from softnce.torch._call import Segment, Targets, compact_segment, segment_of
from softnce.torch._memory import versions
from softnce.torch._repeats import Record, Repeats
from softnce.torch._ring import Replaced, Ring, copied, filled, native, push, push_by_operations
from softnce.torch.targets import recognise

__all__ = ["TargetQueue"]


class Past:
    """The candidates that a queue gave to a call, for second derivatives, which may come after it has changed."""

    def __init__(self, queue: TargetQueue, stored: Segment) -> None:
        self._queue, self._stored = queue, stored
        self._held = [tensor for tensor in stored if isinstance(tensor, Tensor)]
        self._before = versions(self._held)
        #: The record of the call, if it has added its targets to the queue.
        self.record: Optional[Record] = None

    def __call__(self) -> Segment:
        if versions(self._held) == self._before:
            return self._stored
        found = None if self.record is None else self._queue.repeats.before(self.record, self._queue.ring())
        if found is None:
            message = "take second derivatives (create_graph=True) at most three calls later"
            raise RuntimeError(f"the queue no longer knows the candidates of the loss; {message}")
        return found


class TargetQueue(WideBuffers):
    """The last ``size`` targets in compact form, as additional candidates of the loss.

    Candidates are label vectors and not embeddings, so old ones are as good as new ones. Pass the queue to a loss
    (``SoftTargetInfoNCE(queue=TargetQueue(8192, num_classes=1000))``), which fills it during training. The queue moves
    with ``.to()``, and its content is part of ``state_dict``. Like any module that changes its buffers, it must not be
    used by several threads at once.

    The targets of a batch are added once. A call that repeats one of the last four, with the same tensor as targets and
    not changed since, sees the candidates of that call and adds nothing. Thus activation checkpointing, whose backward
    pass runs the loss again, gives the same result as without, and optimisers such as SAM and L-BFGS may evaluate a
    batch several times. If the targets are made anew for each evaluation, use :meth:`held` for all but one of them.

    Functions that ``torch.func`` transforms may not change buffers: in them a call uses the queue and adds nothing.

    Two cases are not recognised: calls in compiled code (``torch.compile``), and several losses before one backward
    pass under ``checkpoint(..., use_reentrant=True)``, which runs forward passes without gradients; use ``False``.

    Args:
        size: the number of targets to keep.
        num_classes: the number of classes d.
        terms: the largest number of weighted classes per row: 2 for MixUp and CutMix, 1 for labels.
    """

    classes: Tensor
    weights: Tensor
    uniform: Tensor
    counts: Tensor
    place: Tensor

    def __init__(self, size: int, num_classes: int, terms: int = 2) -> None:
        super().__init__()
        size, num_classes, terms = integer("size", size), integer("num_classes", num_classes), integer("terms", terms)
        self.size, self.num_classes, self.terms = size, num_classes, terms
        self.repeats, self._held = Repeats(), 0
        self.register_buffer("classes", torch.zeros(size, terms, dtype=torch.int64))
        self.register_buffer("weights", torch.zeros(size, terms, dtype=torch.float64))
        self.register_buffer("uniform", torch.zeros(size, dtype=torch.float64))
        # 0 for an empty slot.
        self.register_buffer("counts", torch.zeros(size, dtype=torch.float64))
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Empties the queue."""
        self.repeats.clear()
        for buffer in self.buffers():
            buffer.zero_()
        self.weights[:, 0] = 1.0

    def extra_repr(self) -> str:
        """The text in ``repr``."""
        return f"size={self.size}, num_classes={self.num_classes}, terms={self.terms}"

    def _load_from_state_dict(self, *arguments: Any) -> None:
        self.repeats.clear()
        super()._load_from_state_dict(*arguments)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        # Afterwards the buffers may be on another device than what the calls have replaced.
        self.repeats.settle(self.ring())
        return super()._apply(fn, recurse)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Calls of the loss in this context use the queue and add nothing to it::

        with criterion.queue.held():
            criterion(model(images), targets).backward()  # the first of SAM's two evaluations
        """
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    def candidates(self, targets: Targets, own: Segment, kept: bool = False) -> Segment:
        """The stored targets as candidates of a call; for a repeated call, those that the first one saw.

        ``own`` are the targets in the form that the queue stores (of all workers, if they were gathered). ``kept``:
        the call reads the candidates after it has added its targets, as some backward passes do.
        """
        ring = self.ring()
        if torch.compiler.is_compiling():
            return copied(ring, own)
        repeated = self.repeats.find(targets, own, ring)
        if repeated is not None:
            return repeated
        return filled(ring, own) if not kept and native(ring, own) else copied(ring, own)

    def add_call(self, targets: Targets, own: Segment, stored: Segment) -> Optional[Record]:
        """Adds the targets of a call, unless it repeats an earlier one or the queue is held.

        ``own`` and ``stored``: the argument and the result of :meth:`candidates`. Returns the record of the call.
        """
        if self._held or not own.rows():
            return None
        if torch.compiler.is_compiling():
            self._push(own)
        elif not self.repeats.found(stored):
            replaced = self._push(own)
            return self.repeats.add(targets, own, stored if replaced is None else None, replaced)
        return None

    def push(self, targets: Targets) -> None:
        """Adds targets and drops the oldest.

        Raises:
            ValueError: the targets have another number of classes, are on another device, or have more classes per row
                than ``terms``.
            TypeError: the argument is not a kind of targets.
        """
        own = self.compact(segment_of("targets", targets, self.num_classes, self.classes.device))
        replaced = self._push(own) if own.rows() else None
        if replaced is not None:
            self.repeats.pushed(replaced, self.ring())

    def _push(self, own: Segment) -> Optional[Replaced]:
        """Adds rows; returns what they replaced, if the native module wrote them."""
        held = own.first.shape[1] if own.first.dim() == 2 else 1
        if held > self.terms:
            raise ValueError(f"targets has {held} classes a row, expected at most terms={self.terms}")
        ring = self.ring()
        if native(ring, own):
            return push(ring, own)
        if not torch.compiler.is_compiling():
            self.repeats.settle(ring)
        with torch.no_grad():
            push_by_operations(ring, own)
        return None

    def compact(self, segment: Segment) -> Segment:
        """Targets in the form that the queue stores: dense rows in their compact form."""
        if not segment.is_dense():
            return segment
        found = recognise(segment.first)
        if found is None:
            message = "expected rows with few classes: a queue stores only these"
            raise ValueError(f"targets has dense rows without a compact form, {message}")
        return compact_segment(found)

    def ring(self) -> Ring:
        """The buffers."""
        # Several times as fast as one attribute after the other.
        buffers = self._buffers
        return Ring(*[cast(Tensor, buffers[name]) for name in Ring._fields])
