"""A queue of past targets: additional candidates that need no forward pass."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

import torch
from torch import Tensor, nn

from softnce._settings import integer
from softnce.torch._buffers import WideBuffers
from softnce.torch._call import Segment, Targets, segment_of
from softnce.torch._repeats import Repeats
from softnce.torch.targets import recognise

__all__ = ["TargetQueue"]


class TargetQueue(WideBuffers):
    """The last ``size`` targets in compact form, as additional candidates of the loss.

    Candidates are label vectors and not embeddings, so old ones are as good as new ones. Pass the queue to a loss
    (``SoftTargetInfoNCE(queue=TargetQueue(8192, num_classes=1000))``), which fills it during training. The queue moves
    with ``.to()``, and its content is part of ``state_dict``.

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
        # An empty slot is a candidate with multiplicity 0, so that shapes never change.
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

    def add_call(self, targets: Targets, own: Segment, stored: Segment) -> None:
        """Adds the targets of a call, unless it repeats an earlier one or the queue is held.

        ``own`` are the targets in the form that the queue stores (of all workers, if they were gathered), ``stored``
        what :meth:`candidates` returned.
        """
        if self._held:
            return
        if not torch.compiler.is_compiling():
            if self.repeats.find(targets, own) is not None:
                return
            self.repeats.add(targets, own, stored)
        with torch.no_grad():
            self.push_segment(own)

    def candidates(self, targets: Targets, own: Segment) -> Segment:
        """The stored targets as candidates of a call; for a repeated call, those that the first one saw."""
        repeated = None if torch.compiler.is_compiling() else self.repeats.find(targets, own)
        return self.segment(own) if repeated is None else repeated

    @torch.no_grad()
    def push(self, targets: Targets) -> None:
        """Adds targets and drops the oldest.

        Raises:
            ValueError: the targets have another number of classes, are on another device, or have more classes per row
                than ``terms``.
            TypeError: the argument is not a kind of targets.
        """
        self.push_segment(segment_of("targets", targets, self.num_classes, self.classes.device))

    def push_segment(self, segment: Segment) -> None:
        """Adds a segment of candidates."""
        segment = self.compact(segment)
        rows = min(segment.rows(), self.size)
        if rows == 0:
            return
        classes = segment.first[-rows:].reshape(rows, -1).long()
        weights = (
            torch.ones_like(classes, dtype=self.weights.dtype) if segment.second is None else segment.second[-rows:]
        )
        if classes.shape[1] > self.terms:
            raise ValueError(f"targets has {classes.shape[1]} classes a row, expected at most terms={self.terms}")
        short = self.terms - classes.shape[1]
        uniform = classes.new_full((rows,), segment.uniform, dtype=self.uniform.dtype)
        if segment.shares is not None:
            uniform = segment.shares[-rows:].to(self.uniform.dtype)
        index = (self.place + torch.arange(rows, device=self.place.device)) % self.size
        self.classes.index_copy_(0, index, nn.functional.pad(classes, (0, short)))
        self.weights.index_copy_(0, index, nn.functional.pad(weights.to(self.weights.dtype), (0, short)))
        self.uniform.index_copy_(0, index, uniform)
        self.counts.index_fill_(0, index, 1.0)
        self.place.copy_((self.place + rows) % self.size)

    def compact(self, segment: Segment) -> Segment:
        """Targets in the form that the queue stores: dense rows in their compact form."""
        if not segment.is_dense():
            return segment
        found = recognise(segment.first)
        if found is None:
            message = "expected rows with few classes: a queue stores only these"
            raise ValueError(f"targets has dense rows without a compact form, {message}")
        return segment_of("targets", found, self.num_classes, self.classes.device)

    def segment(self, own: Segment) -> Segment:
        """The stored targets as candidates in addition to ``own``; a copy, which the next ``push`` does not change."""
        share = own.shares[-1] if own.shares is not None and own.rows() else own.uniform
        # Only equal shares cancel, so empty slots get the share of the other candidates.
        filled = self.counts > 0
        uniform = torch.where(filled, self.uniform, share)
        first = torch.where(filled, self.weights[:, 0], 1.0 - share)
        weights = torch.cat((first[:, None], self.weights[:, 1:]), 1)
        return Segment(self.classes.clone(), weights, 0.0, uniform, self.counts.clone())
