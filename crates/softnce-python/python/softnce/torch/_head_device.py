"""The loss of a linear head by Triton kernels, over the classes that occur, without a wait for the device.

Only the device knows how many classes occur. There are as many columns as there can be at most. Those left over repeat
a class that occurs, and their gradient is 0.
"""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from softnce.torch import _fused, _triton
from softnce.torch._call import Call, Segment, wide

__all__ = ["Narrow", "chosen", "loss_and_gradient", "narrow"]


class Narrow(NamedTuple):
    """A call over the classes that occur."""

    call: Call
    #: The class of each column, ``[S]``, in ascending order.
    classes: Tensor


def chosen(call: Call, device: torch.device) -> Optional[str]:
    """The family of kernels that computes a call over labels and compact rows; None if there is none."""
    if any([segment.is_dense() for segment in call.segments]):
        return None
    return _fused.choose(call, device)


def narrow(call: Call, num_classes: int, sums: torch.dtype) -> Narrow:
    """The call with classes numbered by column. What is wrong with a class or a share makes the loss NaN."""
    entries = torch.cat([segment.first.reshape(-1).long() for segment in call.segments])
    valid = (entries >= 0) & (entries < num_classes)
    ordered, order = torch.where(valid, entries, 0).sort()
    starts = torch.ones_like(valid)
    torch.ne(ordered[1:], ordered[:-1], out=starts[1:])
    columns = starts.cumsum(0) - 1
    classes = ordered[-1:].repeat(min(entries.shape[0], num_classes)).scatter_(0, columns, ordered)
    # The kernels report a negative class.
    places = torch.where(valid, torch.empty_like(columns).scatter_(0, order, columns), -1)
    segments = _renumbered(call, places, _share(call, sums))
    noise = call.noise
    if noise is not None:
        # Normalised for the check; the factor cancels.
        noise = noise.index_select(0, classes)
        noise = noise / noise.sum()
    return Narrow(call._replace(segments=tuple(segments), noise=noise), classes)


def _renumbered(call: Call, places: Tensor, share: Optional[Tensor]) -> List[Segment]:
    segments = []
    start = 0
    for part in call.segments:
        columns = places[start : start + part.first.numel()].reshape(part.first.shape)
        start += part.first.numel()
        weights = part.second
        uniform, shares = part.uniform, part.shares
        if share is not None and weights is not None:
            uniform, shares = 0.0, share.expand(part.rows())
        segments.append(Segment(columns, weights, uniform, shares, part.counts))
    return segments


def _share(call: Call, sums: torch.dtype) -> Optional[Tensor]:
    """The uniform share of all candidates, NaN where they differ; None if the host knows that they are equal.

    Raises:
        ValueError: the host knows that they differ.
    """
    known = [segment.uniform for segment in call.segments if segment.shares is None]
    tolerance = torch.finfo(sums).eps
    if known and max(known) - min(known) > tolerance:
        message = "the loss of a linear head computes only the classes that occur"
        raise ValueError(
            f"targets has uniform shares from {min(known)} to {max(known)}, expected equal ones: {message}"
        )
    tensors = [segment.shares for segment in call.segments if segment.shares is not None]
    if not tensors:
        return None
    low = torch.stack([tensor.amin().double() for tensor in tensors]).amin()
    high = torch.stack([tensor.amax().double() for tensor in tensors]).amax()
    if known:
        low, high = low.clamp(max=min(known)), high.clamp(min=max(known))
    return torch.where(high - low <= tolerance, low, float("nan"))


def loss_and_gradient(
    call: Call,
    logits: Tensor,
    temperature: Optional[Tensor],
    name: str,
    wanted: bool,
    upstream: Optional[Tensor],
) -> Tuple[Tensor, Optional[Tensor], Optional[Tensor]]:
    """The loss of logits ``[N, S]``, and its gradients by them and by the temperature."""
    family = _triton.load(name)
    if temperature is not None and temperature.device != logits.device:
        temperature = temperature.to(logits.device)
    loss, saved = _fused.forward(call, logits, temperature, family)
    if not wanted:
        return loss, None, None
    one = torch.ones_like(loss) if upstream is None else upstream.to(wide(logits.dtype))
    learn = temperature is not None
    gradient, by_temperature = family.backward(call, logits, temperature, saved, one, learn)
    return loss, gradient, by_temperature if learn else logits.new_zeros(())
