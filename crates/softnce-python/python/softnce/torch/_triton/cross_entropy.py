"""Soft target cross-entropy of labels, compact rows and dense rows; at most five launches for loss and gradients."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch._call import Call, noise_fits, wide
from softnce.torch._triton import flags
from softnce.torch._triton._family import Saved
from softnce.torch._triton.cross_entropy_backward import cross_entropy_backward
from softnce.torch._triton.cross_entropy_forward import cross_entropy_forward
from softnce.torch._triton.launch import launch, sum_type
from softnce.torch._triton.matrix import block, row_major
from softnce.torch._triton.noise import report_misfit
from softnce.torch._triton.reduction import reduce, results
from softnce.torch.targets import simplex_tolerance

__all__ = ["backward", "forward", "sizes"]

#: The numbers that the forward kernel saves of each row.
_SAVED = 5


def sizes(call: Call, shape: torch.Size) -> Tuple[int, int]:
    """The lengths of ``Saved.floats`` and ``Saved.integers`` for logits of a shape."""
    return _SAVED * shape[0] + results(call), 0


def forward(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Tuple[Tensor, Saved]:
    """The loss, and what the backward pass reads."""
    rows, num_classes = logits.shape
    segment = call.segments[0]
    sums, device = wide(logits.dtype), logits.device
    logits = row_major(logits)
    losses = torch.empty(rows, dtype=sums, device=device)
    floats = torch.empty(_SAVED * rows + results(call), dtype=sums, device=device)
    targets = _targets(call, logits, temperature)
    size = block(num_classes)
    launch(
        cross_entropy_forward,
        rows,
        device,
        (
            *targets,
            losses,
            floats,
            flags.words(device),
            call.offset,
            segment.rows(),
            rows,
            num_classes,
            _terms(call),
            call.temperature,
            call.scale,
            segment.uniform,
            simplex_tolerance((segment.first if segment.second is None else segment.second).dtype),
        ),
        SHARE=segment.shares is not None or segment.uniform != 0.0,
        CHECK=bool(call.check_values),
        TERMS=0 if segment.second is None else 1 << (max(_terms(call), 1) - 1).bit_length(),
        **_constants(call, logits, temperature),
        **size,
    )
    if call.check_values and call.noise is not None:
        _check_noise(call.noise, losses, floats)
    loss = reduce(call, losses, temperature is not None, floats, 0, _SAVED * rows)
    return loss, Saved(floats, torch.empty(0, dtype=torch.int32, device=device))


def _check_noise(noise: Tensor, losses: Tensor, floats: Tensor) -> None:
    """Reports bad noise, which only a constant beside this loss reads, and makes the losses and gradients NaN."""
    fits = noise_fits(noise)
    launch(report_misfit, 1, losses.device, (fits.to(torch.uint8), flags.words(losses.device)))
    for saved in (losses, floats):
        saved.masked_fill_(~fits, torch.nan)


def backward(
    call: Call, logits: Tensor, temperature: Optional[Tensor], saved: Saved, upstream: Tensor, learn: bool
) -> Tuple[Tensor, Tensor]:
    """The gradients of the logits and of the temperature."""
    rows, num_classes = logits.shape
    segment = call.segments[0]
    by_row = call.reduction == "none"
    logits = row_major(logits)
    gradient = torch.empty_like(logits, memory_format=torch.contiguous_format)
    by_temperature = gradient if temperature is None else torch.empty_like(temperature)
    size = block(num_classes, split=True)
    launch(
        cross_entropy_backward,
        rows * -(-num_classes // size["BLOCK"]),
        logits.device,
        (
            *_targets(call, logits, temperature),
            saved.floats,
            upstream,
            upstream.stride(0) if by_row else 0,
            gradient,
            by_temperature,
            call.offset,
            rows,
            num_classes,
            _terms(call),
            call.temperature,
            call.scale,
            segment.uniform,
        ),
        LEARN=learn and not by_row,
        TERMS=0 if segment.second is None else 1,
        **_constants(call, logits, temperature),
        **size,
    )
    if learn and by_row and temperature is not None:
        by_temperature = (saved.floats[:rows] * upstream).sum().to(temperature.dtype)
    return gradient, by_temperature if learn else gradient.new_empty(0)


def _terms(call: Call) -> int:
    """The number of classes of a compact row; 0 for labels and dense rows."""
    weights = call.segments[0].second
    return 0 if weights is None else int(weights.shape[1])


def _targets(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Tuple[Any, ...]:
    """The first arguments of both kernels; tensors that do not exist are replaced by the logits and never read."""
    segment = call.segments[0]
    first = segment.first
    if segment.second is not None:
        first = first.contiguous()
    elif segment.is_dense():
        first = row_major(first)

    def present(tensor: Optional[Tensor]) -> Tensor:
        return logits if tensor is None else tensor.contiguous()

    return (
        logits,
        logits.stride(0),
        first,
        first.stride(0) if segment.second is None else first.shape[1],
        present(segment.second),
        present(segment.shares),
        present(call.row_weights),
        present(temperature),
    )


def _constants(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Dict[str, Any]:
    segment = call.segments[0]
    return {
        "DENSE": segment.is_dense(),
        "SHARES": segment.shares is not None,
        "ROW_WEIGHTS": call.row_weights is not None,
        "BY_ROW": call.reduction == "none",
        "LEARNED": temperature is not None,
        "WIDE": sum_type(logits),
    }
