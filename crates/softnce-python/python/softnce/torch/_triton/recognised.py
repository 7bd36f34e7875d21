"""Soft target InfoNCE over dense rows whose compact form is found on the device: three launches for both passes."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch._call import HARD, Call, wide
from softnce.torch._devices import INTERPRETED
from softnce.torch._triton import compact, flags
from softnce.torch._triton._family import Saved
from softnce.torch._triton.launch import launch, next_power, stride_of
from softnce.torch._triton.recognise import recognise
from softnce.torch.targets import simplex_tolerance

__all__ = ["backward", "forward", "given_up", "sizes"]

#: The programs that search rows; each row kernel reads the word of every program.
SEARCHERS = 4 if INTERPRETED else 256
#: The largest block of classes of a searching program.
CLASSES = 16 if INTERPRETED else 1024
#: After rows without a compact form, so many calls with as many classes are computed without searching.
PATIENCE = 256

_waiting: Dict[Tuple[torch.device, int], int] = {}
_slots: Dict[Tuple[torch.device, int], int] = {}


def given_up(device: torch.device, num_classes: int) -> bool:
    """Whether rows of so many classes had no compact form lately; does not wait for the device."""
    key = (device, num_classes)
    left = _waiting.get(key, 0)
    if left > 0:
        _waiting[key] = left - 1
        return True
    if key in _slots and flags.take(device, _slots[key]):
        _waiting[key] = PATIENCE
        return True
    return False


def _slot(device: torch.device, num_classes: int) -> int:
    """The word that says that rows of so many classes have no compact form; a few are shared among all numbers."""
    key = (device, num_classes)
    if key not in _slots:
        _slots[key] = flags.VERDICTS + len(_slots) % flags.VERDICT_COUNT
    return _slots[key]


def _plan(call: Call, num_classes: int) -> compact.Plan:
    hard, rows = call.kind in HARD, call.segments[0].rows()
    noise_programs = 0 if call.noise is None else -(-num_classes // compact.PACKED)
    return compact.Plan(
        terms=1 if hard else 3,
        weighted=not hard,
        uniform=not hard,
        counts=call.segments[0].counts is not None,
        noise=call.noise is not None,
        candidates=rows,
        programs=min(rows, SEARCHERS) + noise_programs,
        noise_programs=noise_programs,
    )


def _lengths(call: Call, shape: compact.Plan, rows: int, num_classes: int) -> Tuple[int, int]:
    floats, integers = compact.lengths(shape, rows, num_classes)
    # 1 over the sum of each row, for rows without a compact form.
    return floats + (0 if call.kind in HARD else shape.candidates), integers


def sizes(call: Call, shape: torch.Size) -> Tuple[int, int]:
    """The lengths of the saved vectors for logits of a shape."""
    return _lengths(call, _plan(call, shape[1]), shape[0], shape[1])


def forward(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Tuple[Tensor, Saved]:
    """The loss of logits ``[N, d]``."""
    num_classes = logits.shape[1]
    shape = _plan(call, num_classes)
    floats, integers = _lengths(call, shape, *logits.shape)
    saved = Saved(
        torch.empty(floats, dtype=wide(logits.dtype), device=logits.device),
        torch.empty(integers, dtype=torch.int32, device=logits.device),
    )
    rows, _, _, _, counts = call.segments[0]
    launch(
        recognise,
        shape.programs,
        logits.device,
        (
            rows,
            rows if counts is None else counts,
            rows if call.noise is None else call.noise,
            saved.floats,
            saved.integers,
            flags.words(logits.device),
            rows.stride(0),
            rows.stride(1),
            stride_of(counts),
            stride_of(call.noise),
            shape.programs - shape.noise_programs,
            shape.programs,
            shape.noise_programs,
            _slot(logits.device, num_classes),
            logits.shape[0],
            shape.candidates,
            num_classes,
            simplex_tolerance(rows.dtype),
        ),
        COUNTS=shape.counts,
        NOISE=shape.noise,
        HARD=call.kind in HARD,
        CHECK=bool(call.check_values),
        BLOCK=next_power(num_classes, 16, CLASSES),
        BLOCK_NOISE=compact.PACKED,
    )
    return compact.run_forward(call, shape, logits, temperature, saved, _dense(call)), saved


def _dense(call: Call) -> Optional[Tensor]:
    """The dense rows, where the loss is defined for rows without a compact form."""
    return None if call.kind in HARD else call.segments[0].first


def backward(
    call: Call, logits: Tensor, temperature: Optional[Tensor], saved: Saved, upstream: Tensor, learn: bool
) -> Tuple[Tensor, Tensor]:
    """The gradients of logits ``[N, d]`` and temperature."""
    shape = _plan(call, logits.shape[1])
    return compact.run_backward(call, shape, logits, temperature, saved, upstream, learn, _dense(call))
