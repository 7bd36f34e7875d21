"""InfoNCE over labels merged by class: four launches for both passes, with any number of candidates."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch._call import Call, wide
from softnce.torch._devices import INTERPRETED
from softnce.torch._triton import flags, layout
from softnce.torch._triton._family import Saved
from softnce.torch._triton.hard_backward import backward as backward_kernel
from softnce.torch._triton.hard_count import count
from softnce.torch._triton.hard_forward import forward as forward_kernel
from softnce.torch._triton.launch import launch, next_power, reduction_code, stride_of, sum_type

__all__ = ["backward", "forward", "sizes"]

#: Labels of a counting program, and entries of the noise.
COUNTED = 16 if INTERPRETED else 512
#: The smallest and the largest block of classes of a row kernel.
SMALLEST, CLASSES = (16, 16) if INTERPRETED else (256, 2048)


def _programs(call: Call, num_classes: int) -> Tuple[int, int]:
    """The counting programs in all, and those of the noise among them."""
    noise = 0 if call.noise is None else -(-num_classes // COUNTED)
    return sum([-(-segment.rows() // COUNTED) for segment in call.segments]) + noise, noise


def _candidates(call: Call) -> int:
    return sum([segment.rows() for segment in call.segments])


def sizes(call: Call, shape: torch.Size) -> Tuple[int, int]:
    """The lengths of the saved vectors for logits of a shape."""
    rows, num_classes = shape
    programs, noise = _programs(call, num_classes)
    floats = layout.ROWS * rows + 1 + (num_classes + noise if noise else 0)
    return floats, programs + 2 + num_classes + _candidates(call)


def forward(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Tuple[Tensor, Saved]:
    """The loss of logits ``[N, d]``."""
    rows, num_classes = logits.shape
    floats, integers = sizes(call, logits.shape)
    saved = Saved(
        torch.empty(floats, dtype=wide(logits.dtype), device=logits.device),
        torch.zeros(integers, dtype=torch.int32, device=logits.device),
    )
    programs, noise_programs = _programs(call, num_classes)
    _count(call, logits, saved, programs, noise_programs)
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
            logits.stride(0),
            logits.stride(1),
            stride_of(call.positives),
            stride_of(call.row_weights),
            call.offset,
            programs,
            noise_programs,
            rows,
            _candidates(call),
            num_classes,
            call.temperature,
            factor,
        ),
        REDUCTION=reduction,
        CHECK=bool(call.check_values),
        **_options(call, logits, temperature),
    )
    return loss, saved


def _count(call: Call, logits: Tensor, saved: Saved, programs: int, noise_programs: int) -> None:
    at = before = 0
    for segment in call.segments:
        noise = call.noise if before == 0 else None
        blocks = -(-segment.rows() // COUNTED)
        grid = blocks + (0 if noise is None else noise_programs)
        launch(
            count,
            grid,
            logits.device,
            (
                segment.first,
                segment.first if noise is None else noise,
                saved.floats[layout.ROWS * logits.shape[0] + 1 :] if noise is not None else saved.floats,
                saved.integers,
                flags.words(logits.device),
                segment.first.stride(0),
                stride_of(noise),
                at,
                segment.rows(),
                before,
                blocks,
                programs,
                logits.shape[1],
            ),
            NOISE=noise is not None,
            CHECK=bool(call.check_values),
            BLOCK=COUNTED,
        )
        at, before = at + segment.rows(), before + grid


def _options(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Dict[str, Any]:
    """The constants that both row kernels share."""
    block = next_power(logits.shape[1], SMALLEST, CLASSES // 2 if logits.dtype == torch.float64 else CLASSES)
    return dict(
        NOISE=call.noise is not None,
        POSITIONS=call.positives is not None,
        LEARNED=temperature is not None,
        ROW_WEIGHTS=call.row_weights is not None,
        WIDE=sum_type(logits),
        BLOCK=block,
        num_warps=8 if block >= 1024 else 4,
    )


def backward(
    call: Call, logits: Tensor, temperature: Optional[Tensor], saved: Saved, upstream: Tensor, learn: bool
) -> Tuple[Tensor, Tensor]:
    """The gradients of logits ``[N, d]`` and temperature."""
    rows, num_classes = logits.shape
    gradient = torch.empty_like(logits, memory_format=torch.contiguous_format)
    parts = torch.empty(rows if learn else 0, dtype=wide(logits.dtype), device=logits.device)
    kind = parts.dtype if temperature is None else temperature.dtype
    by_temperature = torch.empty((), dtype=kind, device=logits.device)
    launch(
        backward_kernel,
        rows,
        logits.device,
        (
            logits,
            logits if call.positives is None else call.positives,
            logits if call.row_weights is None else call.row_weights,
            logits if temperature is None else temperature,
            saved.floats,
            saved.integers,
            upstream,
            gradient,
            parts,
            by_temperature,
            logits.stride(0),
            logits.stride(1),
            stride_of(call.positives),
            stride_of(call.row_weights),
            stride_of(upstream),
            call.offset,
            _programs(call, num_classes)[0],
            rows,
            _candidates(call),
            num_classes,
            call.temperature,
        ),
        LEARN=learn,
        **_options(call, logits, temperature),
    )
    return gradient, by_temperature
