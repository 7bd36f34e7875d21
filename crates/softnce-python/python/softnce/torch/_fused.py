"""The losses by Triton kernels, with autograd: the backward pass computes the gradients from the logits again."""

from __future__ import annotations

from typing import Any, Optional, Tuple

import torch
from torch import Tensor

from softnce._warnings import warn
from softnce.torch import _devices, _differentiable, _triton
from softnce.torch._call import HARD, Call, tensors
from softnce.torch._checks import LAMBDA_WARNING, ask_kernels, check_shapes
from softnce.torch._scale import is_batched, scale_logits, scale_temperature
from softnce.torch._temperature import Learned
from softnce.torch._triton import flags
from softnce.torch._triton._family import Family, Saved

__all__ = ["apply", "choose", "forward", "lately"]

_watching = True


def choose(call: Call, device: torch.device) -> Optional[str]:
    """The name of the family of kernels that computes a call on a device; None if there is none."""
    if call.backend == "auto":
        return None if device.type == "cpu" or _devices.missing(device) else _triton.choose(call)
    return _triton.choose(call) if call.backend == "triton" else None


def lately(call: Call, device: torch.device, name: str) -> str:
    """The family, or that of dense rows where rows of this kind had no compact form lately."""
    if name != "recognised" or "dense" not in _triton.NAMES or call.kind in HARD:
        return name
    from softnce.torch._triton import recognised

    return "dense" if recognised.given_up(device, int(call.segments[0].first.shape[1])) else name


def apply(call: Call, logits: Tensor, temperature: Optional[Tensor], name: str) -> Tensor:
    """The loss, with gradients for the logits and for a temperature that is a tensor."""
    if temperature is not None and temperature.device != logits.device:
        temperature = temperature.to(logits.device)
    family = _triton.load(name)
    if not torch.is_grad_enabled():
        return forward(call, logits, temperature, family)[0]
    loss: Tensor = _Loss.apply(logits, temperature, call, family)
    return loss


def forward(call: Call, logits: Tensor, temperature: Optional[Tensor], family: Family) -> Tuple[Tensor, Saved]:
    """The loss and what the backward pass reads, after the checks that need no wait.

    Raises:
        ValueError: shapes do not match, or the device has found a bad value in an earlier call.
        IndexError: the device has found a class or positive out of range in an earlier call.
    """
    global _watching
    device = logits.device
    check_shapes(call, logits, temperature)
    if call.check_values:
        flags.poll(device)
        if _watching and flags.take(device, flags.LAMBDA):
            _watching = False
            warn([LAMBDA_WARNING])
    loss, saved = family.forward(call, logits, temperature)
    if call.check_values == "now" and not flags.capturing(device):
        if device.type == "cuda":
            torch.cuda.current_stream(device).synchronize()
        problems = flags.clear(device)
        if problems:
            ask_kernels(call, logits, temperature)
            # Nothing is wrong with this call: an earlier one had not been finished when this one began.
            flags.fail(device, problems)
    return loss, saved


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, temperature: Optional[Tensor], call: Call, family: Family) -> Tensor:
        loss, saved = forward(call, logits, temperature, family)
        # The backward pass reads the targets again: autograd raises an error if they have been modified in place.
        ctx.save_for_backward(logits, temperature, *saved, *tensors(call))
        ctx.call, ctx.family = call, family
        return loss

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tuple[Optional[Tensor], Optional[Tensor], None, None]:
        logits, temperature, *saved = ctx.saved_tensors[: 2 + len(Saved._fields)]
        need, learn = ctx.needs_input_grad[:2]
        if torch.is_grad_enabled():
            learned = None if temperature is None else Learned(temperature)
            return *_differentiable.gradients(ctx.call, logits, learned, upstream, (need, learn)), None, None
        batched = is_batched(upstream) if ctx.call.reduction != "none" else False
        factor = torch.ones((), dtype=upstream.dtype, device=logits.device) if batched else upstream
        by_logits, by_temperature = ctx.family.backward(ctx.call, logits, temperature, Saved(*saved), factor, learn)
        if batched:
            by_logits = scale_logits(by_logits, upstream, logits.dtype)
            by_temperature = scale_temperature(by_temperature, upstream, temperature) if learn else None
        return by_logits if need else None, by_temperature if learn else None, None, None
