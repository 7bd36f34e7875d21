"""Gathers the targets of all workers: all of them are candidates for the rows of every worker."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional

import torch
import torch.distributed
from torch import Tensor

from softnce.torch._call import Call, Segment, compact_segment
from softnce.torch._call import weights as as_weights
from softnce.torch.targets import MixedTargets, recognise, widest

__all__ = ["gather", "gather_rows", "group_name", "group_of", "parts_of_mean"]

NO_WEIGHT = "all rows of all workers have weight 0, expected at least one weight above 0"
_LABELS, _COMPACT, _DENSE = 0, 1, 2


class Gathered(NamedTuple):
    """The targets of all workers, ordered by rank."""

    segment: Segment
    #: Index of this worker's first target.
    offset: int
    #: The number of rows of all workers, or the sum of their row weights.
    total: float
    world: int


def group_name(group: Any) -> str:
    """The name of a process group; empty if there is no group or only one worker."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return ""
    group = distributed.group.WORLD if group is None else group
    workers = distributed.get_world_size(group)
    if workers < 0:
        raise ValueError("process_group does not contain this process, expected a group that it belongs to")
    if workers < 2:
        return ""
    return str(group.group_name)


def group_of(name: str) -> Any:
    """The process group with a name."""
    return torch.distributed.distributed_c10d._resolve_process_group(name)  # type: ignore[attr-defined,arg-type]


def gather(call: Call, rows: int, num_classes: int) -> Call:
    """The same call over the targets of all workers.

    The average over workers equals the loss that one process would compute over all rows. With reduction mean, the loss
    of a worker is therefore the sum over its rows divided by the mean number of rows per worker. Averaging losses and
    gradients over workers, as DistributedDataParallel does, then gives the mean over all rows, also if the workers have
    different numbers of rows.
    """
    own, error = call.segments[0], None
    if own.rows() != rows:
        message = "one for each row of logits, when targets are gathered over workers"
        error = ValueError(f"targets has {own.rows()} rows, expected {rows}, {message}")
    if call.row_weights is not None and call.row_weights.shape[0] != rows:
        error = ValueError(f"row_weights has shape {list(call.row_weights.shape)}, expected [{rows}]")
    weight = float(rows) if call.row_weights is None else float(call.row_weights.sum())
    gathered = _gather_segment(own, num_classes, call.group, weight, call.recognise, error)
    segments = (gathered.segment, *call.segments[1:])
    call = call._replace(segments=segments, offset=gathered.offset, group="", workers=gathered.world)
    if call.reduction != "mean":
        return call
    if not gathered.total > 0:
        raise ValueError(NO_WEIGHT)
    return call._replace(reduction="sum", scale=gathered.world / gathered.total)


def gather_rows(rows: Tensor, name: str) -> Tensor:
    """The row numbers of all workers, one after another. Workers may have different numbers of them."""
    group = group_of(name)
    world = torch.distributed.get_world_size(group)
    counts = _all(torch.tensor([rows.shape[0]]), [1] * world, group, rows.device)
    return torch.cat(_all(rows, [int(count) for count in counts], group, rows.device))


def parts_of_mean(rows: int, row_weights: Optional[Tensor], name: str, device: torch.device) -> Tensor:
    """The weights ``[rows]`` under which the average over workers of their sums is the mean over all their rows.

    A worker may have no rows. Waits for the device.
    """
    weights = torch.ones(rows, dtype=widest(device), device=device)
    if row_weights is not None:
        weights = as_weights("row_weights", row_weights, device).to(weights.dtype)
    return weights / torch.ops.softnce.mean_weight(weights.sum(), name)


@torch.library.custom_op("softnce::mean_weight", mutates_args=(), schema="(Tensor weight, str group) -> Tensor")
def _mean_weight(weight: Tensor, name: str) -> Tensor:
    """A number of each worker, averaged over them."""
    group = group_of(name)
    total = weight.clone()
    torch.distributed.all_reduce(total, group=group)
    if not total > 0:
        raise ValueError(NO_WEIGHT)
    return total / torch.distributed.get_world_size(group)


@_mean_weight.register_fake
def _(weight: Tensor, name: str) -> Tensor:
    return torch.empty_like(weight)


def _gather_segment(
    own: Segment, num_classes: int, name: str, weight: float, compact: bool, error: Optional[ValueError]
) -> Gathered:
    """The targets of all workers, in a form that can represent all of them.

    An error of one worker is raised on all workers, because the others would wait for it.
    """
    group = group_of(name)
    world, rank = torch.distributed.get_world_size(group), torch.distributed.get_rank(group)
    device = own.first.device
    double = (own.first if own.second is None else own.second).dtype == torch.float64
    if own.is_dense() and compact and own.rows() > 0:
        try:
            found = recognise(own.first)
            own = own if found is None else compact_segment(found)
        except ValueError as refused:
            error = ValueError(str(refused).replace("probabilities", "targets", 1))
    head = [*_head(own, num_classes), float(double), weight, float(error is not None)]
    heads = _all(torch.tensor(head, dtype=torch.float64), [len(head)] * world, group, device)
    facts = [head.tolist() for head in heads]
    counts = [int(fact[0]) for fact in facts]
    if error is not None:
        raise error
    for other, fact in enumerate(facts):
        if fact[7]:
            raise ValueError(
                f"targets of worker {other} of the process group are not valid; see the error of that worker"
            )
        if int(fact[3]) != num_classes:
            message = f"logits of worker {other} have {int(fact[3])} classes"
            raise ValueError(f"{message}, expected {num_classes}, as those of worker {rank}")
    form = max(int(fact[2]) for fact, count in zip(facts, counts) if count) if any(counts) else _LABELS
    wide = any(bool(fact[5]) for fact in facts)
    if form == _DENSE:
        dtype = torch.float64 if wide else torch.float32
        rows = _all(_dense(own, num_classes, dtype), counts, group, device)
        segment = Segment(torch.cat(rows), None, 0.0, None, None)
    else:
        terms = max(int(fact[1]) for fact in facts)
        segment = _unpack(torch.cat(_all(_pack(own, terms), counts, group, device)), form, terms, facts)
    return Gathered(segment, sum(counts[:rank]), sum(fact[6] for fact in facts), world)


def _head(own: Segment, num_classes: int) -> List[float]:
    """Facts that the other workers need: rows, terms, form, classes, uniform share of all rows."""
    form = _DENSE if own.is_dense() else _LABELS if own.second is None else _COMPACT
    terms = own.first.shape[1] if form == _COMPACT else 1
    share = float("nan") if own.shares is not None else own.uniform
    return [own.rows(), terms, form, num_classes, share]


def _all(rows: Tensor, counts: List[int], group: Any, device: torch.device) -> List[Tensor]:
    """The rows of all workers. They are padded to equal length, because not every backend sends uneven tensors."""
    rows = rows.to(device)
    longest = max(max(counts), 1)
    if rows.shape[0] != longest:
        filled = rows.new_zeros((longest, *rows.shape[1:]))
        filled[: rows.shape[0]] = rows
        rows = filled
    out = [torch.empty_like(rows) for _ in counts]
    torch.distributed.all_gather(out, rows.contiguous(), group=group)
    return [part[:count] for part, count in zip(out, counts)]


def _pack(own: Segment, terms: int) -> Tensor:
    """Classes, weights and uniform shares in one tensor ``[n, 2 K + 1]``; doubles hold the classes exactly."""
    rows = own.rows()
    packed = torch.zeros(rows, 2 * terms + 1, dtype=torch.float64, device=own.first.device)
    if own.is_dense():
        # Only a worker without rows gets here: the others decide the form.
        return packed
    if own.second is None:
        packed[:, 0], packed[:, terms] = own.first, 1.0
        return packed
    held = own.first.shape[1]
    packed[:, :held], packed[:, terms : terms + held] = own.first, own.second
    packed[:, -1] = own.uniform if own.shares is None else own.shares
    return packed


def _unpack(packed: Tensor, form: int, terms: int, facts: List[List[float]]) -> Segment:
    if form == _LABELS:
        return Segment(packed[:, 0].long(), None, 0.0, None, None)
    classes, weights = packed[:, :terms].long(), packed[:, terms : 2 * terms]
    share = _share(facts)
    if share is None:
        return Segment(classes, weights, 0.0, packed[:, -1], None)
    return Segment(classes, weights, share, None, None)


def _share(facts: List[List[float]]) -> Optional[float]:
    """The uniform share of the rows of all workers, if they have the same; else None."""
    shares = [fact[4] for fact in facts if fact[0]]
    low, high = min(shares), max(shares)
    # Shares found in single-precision rows may differ by rounding.
    equal = all(share == share for share in shares) and high - low <= torch.finfo(torch.float32).eps
    return low if equal else None


def _dense(own: Segment, num_classes: int, dtype: torch.dtype) -> Tensor:
    if own.is_dense():
        rows = own.first.to(dtype)
        return rows / rows.sum(1, keepdim=True)
    if own.second is None:
        return torch.nn.functional.one_hot(own.first.long(), num_classes).to(dtype)
    uniform = own.uniform if own.shares is None else own.shares
    return MixedTargets.compact(uniform, own.first, own.second, num_classes).dense(dtype)
