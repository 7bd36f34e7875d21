"""The arguments of a call as tensors and plain values, which the schema of a registered operation can hold."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Sequence, Tuple, cast

from torch import Tensor

from softnce.torch._call import Call, Segment

__all__ = ["SCHEMA", "Packed", "joined", "pack", "split", "unpack"]

SCHEMA = (
    "Tensor[] parts, int[] layout, float[] uniform, Tensor? positives, Tensor? row_weights, Tensor? noise, str names, "
    "int[] counts, float[] numbers, bool[] flags"
)


class Packed(NamedTuple):
    """A call in the order of the schema."""

    #: The tensors of all segments in sequence.
    parts: List[Tensor]
    #: For each segment, a bit for each of the optional tensors that it has.
    layout: List[int]
    uniform: List[float]
    positives: Optional[Tensor]
    row_weights: Optional[Tensor]
    noise: Optional[Tensor]
    names: str
    counts: List[int]
    numbers: List[float]
    flags: List[bool]


def pack(call: Call, *names: str) -> Packed:
    """A call; ``names`` are further words to pass along."""
    parts: List[Tensor] = []
    layout: List[int] = []
    for segment in call.segments:
        held = (segment.second, segment.shares, segment.counts)
        layout.append(sum([1 << bit for bit, tensor in enumerate(held) if tensor is not None]))
        parts.append(segment.first)
        parts.extend([tensor for tensor in held if tensor is not None])
    return Packed(
        parts,
        layout,
        [segment.uniform for segment in call.segments],
        call.positives,
        call.row_weights,
        call.noise,
        "|".join([call.kind, call.reduction, call.backend, call.group, *names]),
        [call.offset, call.workers],
        [call.temperature, call.scale],
        [call.recognise, bool(call.check_values), call.check_values == "now"],
    )


def unpack(packed: Packed) -> Call:
    """The call that was packed."""
    tensors = iter(packed.parts)
    segments = []
    for held, share in zip(packed.layout, packed.uniform):
        first = next(tensors)
        second, shares, times = (next(tensors) if held & (1 << bit) else None for bit in range(3))
        segments.append(Segment(first, second, share, shares, times))
    kind, reduction, backend, group = packed.names.split("|")[:4]
    return Call(
        kind=kind,
        segments=tuple(segments),
        offset=packed.counts[0],
        positives=packed.positives,
        row_weights=packed.row_weights,
        noise=packed.noise,
        temperature=packed.numbers[0],
        reduction=reduction,
        scale=packed.numbers[1],
        backend=backend,
        recognise=packed.flags[0],
        check_values="now" if packed.flags[2] else packed.flags[1],
        group=group,
        workers=packed.counts[1],
    )


def split(packed: Packed) -> Tuple[Packed, List[Optional[Tensor]]]:
    """A packed call without its tensors, and the tensors, which autograd saves and frees."""
    tensors = [packed.positives, packed.row_weights, packed.noise, *packed.parts]
    return packed._replace(parts=[], positives=None, row_weights=None, noise=None), tensors


def joined(plain: Packed, tensors: Sequence[Optional[Tensor]]) -> Packed:
    """The packed call that was split."""
    positives, row_weights, noise, *parts = tensors
    return plain._replace(parts=cast(List[Tensor], parts), positives=positives, row_weights=row_weights, noise=noise)
