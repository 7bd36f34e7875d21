"""The memory of a queue of targets: reads and writes its rows."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _get_current_dispatch_mode

from softnce import _native
from softnce.torch._call import Segment
from softnce.torch._kernel import segment_view
from softnce.torch._memory import WIDE, column, is_plain, view

__all__ = ["Replaced", "Ring", "copied", "filled", "native", "push", "push_by_operations", "undone"]


class Ring(NamedTuple):
    """The buffers of a queue. Slots are filled in order, so that the filled ones come first."""

    #: ``[size, K]``.
    classes: Tensor
    #: ``[size, K]``.
    weights: Tensor
    #: ``[size]``.
    uniform: Tensor
    #: 1 for a filled slot, 0 for an empty one, ``[size]``.
    counts: Tensor
    #: The slot of the next row, ``[]``.
    place: Tensor


class Replaced(NamedTuple):
    """What a push has replaced."""

    #: The slot of the first row.
    place: int
    #: Classes, weights, uniform share and count of each slot as doubles, ``[rows, 2 K + 2]``.
    rows: bytearray

    def then(self, more: bytearray, ring: Ring) -> Replaced:
        """What this push and the next one have replaced."""
        # Rows behind the first ``size`` were themselves pushed since.
        return Replaced(self.place, (self.rows + more)[: len(ring.counts) * _row_bytes(ring)])


def _row_bytes(ring: Ring) -> int:
    return WIDE.itemsize * (2 * ring.classes.shape[1] + 2)


def native(ring: Ring, own: Segment) -> bool:
    """Whether the native module may read and write the ring and read these targets.

    Not if something traces or intercepts the operations of PyTorch.
    """
    if torch.compiler.is_compiling() or _get_current_dispatch_mode() is not None:
        return False
    weights = ring.weights
    return weights.device.type == "cpu" and weights.dtype == WIDE and is_plain(weights) and is_plain(own.first)


def filled(ring: Ring, own: Segment) -> Segment:
    """The stored targets, in the memory of the ring; waits for the device."""
    if ring.counts[-1].item():
        return Segment(ring.classes, ring.weights, 0.0, ring.uniform, None)
    rows = int(ring.counts.sum())
    if rows == 0:
        # A segment has at least one row.
        return copied(ring, own)
    return Segment(ring.classes[:rows], ring.weights[:rows], 0.0, ring.uniform[:rows], None)


def copied(ring: Ring, own: Segment) -> Segment:
    """A copy of the stored targets as candidates in addition to ``own``.

    An empty slot is a candidate with multiplicity 0, so that shapes never change.
    """
    share = own.shares[-1] if own.shares is not None and own.rows() else own.uniform
    # Only equal shares cancel, so empty slots get the share of the other candidates.
    used = ring.counts > 0
    uniform = torch.where(used, ring.uniform, share)
    first = torch.where(used, ring.weights[:, 0], 1.0 - share)
    weights = torch.cat((first[:, None], ring.weights[:, 1:]), 1)
    return Segment(ring.classes.clone(), weights, 0.0, uniform, ring.counts.clone())


def push(ring: Ring, segment: Segment) -> Replaced:
    """Writes the last rows of a segment that has at least one row and at most as many classes a row as the ring."""
    classes, weights, uniform, counts, place = ring
    views = (view(classes), view(weights), column(uniform), column(counts), column(place))
    replaced = Replaced(*_native.queue_push(segment_view(segment), views))
    for tensor in ring:
        if not tensor.is_inference():
            # Autograd then refuses a backward pass that would read the values from before.
            torch.autograd.graph.increment_version(tensor)
    return replaced


def push_by_operations(ring: Ring, segment: Segment) -> None:
    """The same in operations of PyTorch."""
    size, terms = ring.classes.shape
    rows = min(segment.rows(), size)
    classes = segment.first[-rows:].reshape(rows, -1).long()
    weights = torch.ones_like(classes, dtype=ring.weights.dtype) if segment.second is None else segment.second[-rows:]
    short = terms - classes.shape[1]
    uniform = classes.new_full((rows,), segment.uniform, dtype=ring.uniform.dtype)
    if segment.shares is not None:
        uniform = segment.shares[-rows:].to(ring.uniform.dtype)
    index = (ring.place + torch.arange(rows, device=ring.place.device)) % size
    ring.classes.index_copy_(0, index, nn.functional.pad(classes, (0, short)))
    ring.weights.index_copy_(0, index, nn.functional.pad(weights.to(ring.weights.dtype), (0, short)))
    ring.uniform.index_copy_(0, index, uniform)
    ring.counts.index_fill_(0, index, 1.0)
    ring.place.copy_((ring.place + rows) % size)


def undone(ring: Ring, replaced: Replaced) -> Ring:
    """A ring as it was before a push, in new memory."""
    terms = ring.classes.shape[1]
    rows = torch.frombuffer(replaced.rows, dtype=WIDE).reshape(-1, 2 * terms + 2)
    slots = (torch.arange(len(rows), device=rows.device) + replaced.place) % len(ring.counts)
    classes, weights, ends = rows.split((terms, terms, 2), 1)
    return Ring(
        ring.classes.index_copy(0, slots, classes.long()),
        ring.weights.index_copy(0, slots, weights),
        ring.uniform.index_copy(0, slots, ends[:, 0]),
        ring.counts.index_copy(0, slots, ends[:, 1]),
        torch.full_like(ring.place, replaced.place),
    )
