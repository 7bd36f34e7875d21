"""Soft target InfoNCE over labels and compact rows: two launches besides one for each segment of candidates."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch._call import HARD, Call, Segment, wide
from softnce.torch._devices import INTERPRETED
from softnce.torch._triton import flags, layout
from softnce.torch._triton._family import Saved
from softnce.torch._triton.compact_backward import backward as backward_kernel
from softnce.torch._triton.compact_forward import forward as forward_kernel
from softnce.torch._triton.compact_pack import pack
from softnce.torch._triton.launch import launch, next_power, processors, reduction_code, stride_of, sum_type
from softnce.torch.targets import simplex_tolerance

__all__ = ["Plan", "backward", "forward", "run_backward", "run_forward", "sizes"]

#: Candidates of a packing program, and entries of the noise.
PACKED = 16 if INTERPRETED else 512
#: The largest blocks of a row kernel: of classes, and of candidates. The backward kernel takes half as many classes:
#: with more it spills registers.
CLASSES = 16 if INTERPRETED else 2048
CANDIDATES = 16 if INTERPRETED else 1024
#: The smallest block: every thread of eight warps then has a lane of its own.
SMALLEST = 16 if INTERPRETED else 256
#: Programs of the backward kernel for each multiprocessor. Each has d integers of scratch memory.
OCCUPANCY = 4


class Plan(NamedTuple):
    """What the kernels of a call are compiled for, and the sizes of what they share."""

    terms: int
    weighted: bool
    uniform: bool
    counts: bool
    noise: bool
    candidates: int
    #: Packing programs, of all segments and of the noise.
    programs: int
    noise_programs: int


def plan(call: Call, num_classes: int) -> Plan:
    """The plan of a call over labels and compact rows."""
    hard = call.kind in HARD
    compact = [segment for segment in call.segments if segment.second is not None]
    shares = {None if segment.shares is not None else segment.uniform for segment in call.segments}
    noise_programs = 0 if call.noise is None else -(-num_classes // PACKED)
    return Plan(
        terms=1 if hard else max([_terms(segment) for segment in call.segments]),
        weighted=bool(compact) and not hard,
        # Equal shares move the scores of all candidates by the same number.
        uniform=not hard and (len(shares) > 1 or None in shares),
        counts=any([segment.counts is not None for segment in call.segments]),
        noise=call.noise is not None,
        candidates=sum([segment.rows() for segment in call.segments]),
        programs=sum([-(-segment.rows() // PACKED) for segment in call.segments]) + noise_programs,
        noise_programs=noise_programs,
    )


def _terms(segment: Segment) -> int:
    return 1 if segment.first.dim() == 1 else int(segment.first.shape[1])


def lengths(shape: Plan, rows: int, num_classes: int) -> Tuple[int, int]:
    """The lengths of the saved vectors."""
    each = (shape.terms if shape.weighted else 0) + int(shape.uniform) + int(shape.counts)
    noise = num_classes + shape.noise_programs if shape.noise else 0
    floats = layout.ROWS * rows + 1 + each * shape.candidates + noise
    return floats, shape.programs + 2 + shape.terms * shape.candidates


def sizes(call: Call, shape: torch.Size) -> Tuple[int, int]:
    """The lengths of the saved vectors for logits of a shape."""
    return lengths(plan(call, shape[1]), shape[0], shape[1])


def forward(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Tuple[Tensor, Saved]:
    """The loss of logits ``[N, d]``."""
    shape = plan(call, logits.shape[1])
    floats, integers = lengths(shape, *logits.shape)
    saved = Saved(
        torch.empty(floats, dtype=wide(logits.dtype), device=logits.device),
        torch.empty(integers, dtype=torch.int32, device=logits.device),
    )
    at = before = 0
    for segment in call.segments:
        _pack(call, shape, segment, logits, saved, at, before)
        at += segment.rows()
        before += -(-segment.rows() // PACKED) + (shape.noise_programs if before == 0 else 0)
    return run_forward(call, shape, logits, temperature, saved), saved


def _pack(call: Call, shape: Plan, segment: Segment, logits: Tensor, saved: Saved, at: int, before: int) -> None:
    first, second = segment.first, segment.second
    rows, terms = segment.rows(), _terms(segment)
    blocks = -(-rows // PACKED)
    noise = call.noise if before == 0 else None
    watch = len(call.segments) == 1 and blocks == 1 and terms == 2 and second is not None and bool(call.check_values)
    launch(
        pack,
        blocks + (0 if noise is None else shape.noise_programs),
        logits.device,
        (
            first,
            first if second is None else second,
            first if segment.shares is None else segment.shares,
            first if segment.counts is None else segment.counts,
            first if noise is None else noise,
            saved.floats,
            saved.integers,
            flags.words(logits.device),
            first.stride(0),
            first.stride(1) if first.dim() == 2 else 0,
            0 if second is None else second.stride(0),
            0 if second is None else second.stride(1),
            0 if segment.shares is None else segment.shares.stride(0),
            0 if segment.counts is None else segment.counts.stride(0),
            0 if noise is None else noise.stride(0),
            at,
            rows,
            before,
            blocks,
            shape.programs,
            logits.shape[0],
            shape.candidates,
            logits.shape[1],
            segment.uniform,
            simplex_tolerance(torch.float64 if second is None else second.dtype),
        ),
        K=terms,
        TERMS=shape.terms,
        HELD_WEIGHTS=second is not None,
        HELD_SHARES=segment.shares is not None,
        HELD_COUNTS=segment.counts is not None,
        WEIGHTED=shape.weighted,
        UNIFORM=shape.uniform,
        COUNTS=shape.counts,
        NOISE=noise is not None,
        HARD=call.kind in HARD,
        WATCH=watch,
        CHECK=bool(call.check_values),
        BLOCK=PACKED,
        num_warps=8,
    )


def _options(call: Call, shape: Plan, logits: Tensor, temperature: Optional[Tensor], classes: int) -> Dict[str, Any]:
    """The constants that both row kernels share. ``classes``: the largest block of classes."""
    # Double precision takes twice the registers.
    double = logits.dtype == torch.float64
    block = next_power(shape.candidates, SMALLEST, CANDIDATES // 2 if double else CANDIDATES)
    return dict(
        TERMS=shape.terms,
        WEIGHTED=shape.weighted,
        UNIFORM=shape.uniform,
        COUNTS=shape.counts,
        NOISE=shape.noise,
        POSITIONS=call.positives is not None,
        LEARNED=temperature is not None,
        ROW_WEIGHTS=call.row_weights is not None,
        WIDE=sum_type(logits),
        BLOCK_D=next_power(logits.shape[1], SMALLEST, max(classes // (1 + double), SMALLEST)),
        BLOCK_M=block,
        num_warps=8 if block >= 512 + 512 * (not double) else 4,
    )


def run_forward(
    call: Call,
    shape: Plan,
    logits: Tensor,
    temperature: Optional[Tensor],
    saved: Saved,
    targets: Optional[Tensor] = None,
) -> Tensor:
    """The loss from packed candidates; ``targets``: the dense rows whose compact form was packed."""
    rows = logits.shape[0]
    by_row = call.reduction == "none"
    loss = torch.empty(rows if by_row else (), dtype=wide(logits.dtype), device=logits.device)
    factor, reduction = reduction_code(call, rows)
    launch(
        forward_kernel,
        rows,
        logits.device,
        (
            logits,
            logits if call.positives is None else call.positives,
            logits if call.row_weights is None else call.row_weights,
            logits if temperature is None else temperature,
            saved.floats,
            saved.integers,
            loss,
            flags.words(logits.device),
            logits if targets is None else targets,
            logits.stride(0),
            logits.stride(1),
            stride_of(call.positives),
            stride_of(call.row_weights),
            0 if targets is None else targets.stride(0),
            0 if targets is None else targets.stride(1),
            call.offset,
            shape.programs,
            shape.noise_programs,
            rows,
            shape.candidates,
            logits.shape[1],
            call.temperature,
            factor,
        ),
        REDUCTION=reduction,
        RECOGNISED=targets is not None,
        CHECK=bool(call.check_values),
        **_options(call, shape, logits, temperature, CLASSES),
    )
    return loss


def backward(
    call: Call, logits: Tensor, temperature: Optional[Tensor], saved: Saved, upstream: Tensor, learn: bool
) -> Tuple[Tensor, Tensor]:
    """The gradients of logits ``[N, d]`` and temperature."""
    return run_backward(call, plan(call, logits.shape[1]), logits, temperature, saved, upstream, learn)


def run_backward(
    call: Call,
    shape: Plan,
    logits: Tensor,
    temperature: Optional[Tensor],
    saved: Saved,
    upstream: Tensor,
    learn: bool,
    targets: Optional[Tensor] = None,
) -> Tuple[Tensor, Tensor]:
    """The gradients from packed candidates; ``targets``: the dense rows whose compact form was packed."""
    rows, num_classes = logits.shape
    programs = min(rows, OCCUPANCY * processors(logits.device))
    gradient = torch.empty_like(logits, memory_format=torch.contiguous_format)
    scratch = torch.empty(programs * num_classes, dtype=torch.int64, device=logits.device)
    parts = torch.empty(rows if learn else 0, dtype=wide(logits.dtype), device=logits.device)
    by_temperature = torch.empty(
        (), dtype=parts.dtype if temperature is None else temperature.dtype, device=logits.device
    )
    launch(
        backward_kernel,
        programs,
        logits.device,
        (
            logits,
            logits if call.positives is None else call.positives,
            logits if call.row_weights is None else call.row_weights,
            logits if temperature is None else temperature,
            saved.floats,
            saved.integers,
            upstream,
            scratch,
            gradient,
            parts,
            by_temperature,
            logits if targets is None else targets,
            logits.stride(0),
            logits.stride(1),
            stride_of(call.positives),
            stride_of(call.row_weights),
            stride_of(upstream),
            0 if targets is None else targets.stride(0),
            0 if targets is None else targets.stride(1),
            call.offset,
            shape.programs,
            shape.noise_programs,
            rows,
            shape.candidates,
            num_classes,
            call.temperature,
        ),
        LEARN=learn,
        RECOGNISED=targets is not None,
        **_options(call, shape, logits, temperature, CLASSES // 2),
    )
    return gradient, by_temperature
