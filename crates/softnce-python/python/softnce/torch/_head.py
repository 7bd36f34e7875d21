"""The loss of a linear head, by the kernels or by tensor operations on the classes that occur."""

from __future__ import annotations

from typing import List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from softnce import _native
from softnce._warnings import warn
from softnce.torch import _head_device, _kernel, _tensor
from softnce.torch._call import Call, Needs, Segment, wide
from softnce.torch._listing import listed, shares
from softnce.torch._memory import column, follow_threads, view
from softnce.torch._scale import is_one

__all__ = ["Gradients", "Inputs", "evaluate", "unit"]


class Inputs(NamedTuple):
    """What the loss of a head is differentiated with respect to."""

    #: ``[N, D]``.
    features: Tensor
    #: ``[d, D]``.
    weight: Tensor
    #: ``[d]``.
    bias: Optional[Tensor]
    #: ``[]``; None: a number, the temperature of the call.
    temperature: Optional[Tensor]
    #: Whether the rows of the weight matrix are divided by their norms.
    normalize: bool = False


class Gradients(NamedTuple):
    """Gradients in the type in which sums are kept; T classes occur."""

    #: The classes that occur, ``[T]``; the gradients of all other classes are 0.
    classes: Tensor
    #: ``[N, D]``.
    features: Tensor
    #: ``[T, D]``.
    weight: Tensor
    #: ``[T]``; None without a bias.
    bias: Optional[Tensor]
    #: ``[]``.
    temperature: Tensor
    #: Whether no class is repeated; a repeated one has gradients of 0 but for one of them.
    distinct: bool = True

    def scaled(self, upstream: Tensor) -> Gradients:
        """These times the upstream gradient ``[]``."""
        if is_one(upstream):
            return self
        factor = upstream.to(self.features.dtype)
        bias = None if self.bias is None else self.bias * factor
        scaled = (self.features * factor, self.weight * factor, bias, self.temperature * factor)
        return Gradients(self.classes, *scaled, self.distinct)


Evaluation = Tuple[Tensor, Optional[Gradients]]

# The kernel looks at every value of the noise that it gets. Above so many classes, it gets the noise of the classes
# that occur alone, so that the time of a call does not depend on the number of classes.
_MANY = 50_000


def evaluate(call: Call, inputs: Inputs, wanted: bool, upstream: Optional[Tensor]) -> Evaluation:
    """The loss and its gradients. With reduction none, ``upstream`` ``[N]`` weights the rows."""
    device = inputs.features.device
    if inputs.features.shape[0] == 0 and call.workers > 1:
        return _nothing(call, inputs)
    if device.type == "cpu" and call.backend not in ("tensor", "triton"):
        return _by_kernel(call, inputs, wanted, upstream)
    name = _head_device.chosen(call, device)
    with torch.no_grad(), torch.autocast(device.type, enabled=False):
        if name is not None:
            return _on_device(call, inputs, wanted, upstream, name)
        return _by_tensors(call, inputs, wanted, upstream)


def _nothing(call: Call, inputs: Inputs) -> Evaluation:
    """The result of a worker without rows: zeros."""
    features, weight, bias, *_ = inputs
    loss = features.new_zeros(0 if call.reduction == "none" else (), dtype=wide(features.dtype))
    none = torch.zeros(0, dtype=torch.int64, device=features.device)
    return loss, Gradients(none, features, weight[:0], None if bias is None else bias[:0], features.new_zeros(()))


def unit(rows: Tensor) -> Tuple[Tensor, Tensor]:
    """Rows ``[R, D]`` divided by their norms, and the norms ``[R, 1]``. Rows of zeros stay, as if their norm were 1."""
    # A norm in bf16 would be wrong by up to 0.2 %.
    norms = torch.linalg.vector_norm(rows, dim=1, keepdim=True, dtype=wide(rows.dtype))
    norms = torch.where(norms > 0, norms, 1.0)
    return (rows / norms).to(rows.dtype), norms


def _through_norms(gradient: Tensor, units: Tensor, norms: Tensor) -> Tensor:
    """The gradient by rows from that by the same rows divided by their norms."""
    return (gradient - (gradient * units).sum(1, keepdim=True) * units) / norms


def _narrow_by_kernel(call: Call, inputs: Inputs, wanted: bool, upstream: Optional[Tensor]) -> Evaluation:
    """The kernel on the classes that occur, with their part of the noise; if asked, rows are divided by their norms.

    A factor of the noise that all classes share cancels in the loss.
    """
    weight, num_classes, sums = inputs.weight, inputs.weight.shape[0], wide(inputs.features.dtype)
    segments = listed(call.segments, num_classes)
    _check_classes(segments, num_classes)
    classes, segments = _renumbered(segments)
    noise = call.noise
    if noise is not None:
        noise = noise[classes] / noise[classes].sum()
    features, rows = inputs.features, weight[classes]
    bias = None if inputs.bias is None else inputs.bias[classes]
    norms: Optional[Tensor] = None
    if inputs.normalize:
        features, (rows, norms) = features.to(sums), unit(rows.to(sums))
        bias = None if bias is None else bias.to(sums)
    small = Inputs(features, rows, bias, inputs.temperature)
    share = _equal_share(segments, sums)
    segments = [part if part.second is None else part._replace(uniform=share, shares=None) for part in segments]
    loss, found = _whole_by_kernel(call._replace(segments=tuple(segments), noise=noise), small, wanted, upstream)
    if found is None:
        return loss, None
    at = found.classes
    by_weight = found.weight if norms is None else _through_norms(found.weight, rows[at], norms[at])
    return loss, found._replace(classes=classes[at], weight=by_weight)


def _renumbered(segments: List[Segment]) -> Tuple[Tensor, List[Segment]]:
    """The classes that occur, ``[T]`` in ascending order, and the segments over them."""
    classes = torch.cat([segment.first.reshape(-1).long() for segment in segments]).unique()
    places = [torch.searchsorted(classes, part.first.long().contiguous()) for part in segments]
    return classes, [part._replace(first=place) for part, place in zip(segments, places)]


def _by_kernel(call: Call, inputs: Inputs, wanted: bool, upstream: Optional[Tensor]) -> Evaluation:
    narrows = call.noise is not None and inputs.weight.shape[0] > _MANY
    by_kernel = _narrow_by_kernel if inputs.normalize or narrows else _whole_by_kernel
    return by_kernel(call, inputs, wanted, upstream)


def _whole_by_kernel(call: Call, inputs: Inputs, wanted: bool, upstream: Optional[Tensor]) -> Evaluation:
    features, weight, bias, temperature, _ = inputs
    follow_threads()
    if temperature is not None:
        call = call._replace(temperature=temperature.item())
    call = call._replace(segments=tuple(listed(call.segments, weight.shape[0])))
    rows = features.shape[0]
    loss = features.new_empty(rows if call.reduction == "none" else (), dtype=wide(features.dtype))
    positives, weights = _kernel.places(call)
    if upstream is not None:
        upstream = upstream.to(torch.float64)
    found, messages = _native.head(
        _kernel.settings(call),
        (view(features), view(weight), None if bias is None else column(bias)),
        _kernel.segments(call),
        positives,
        weights,
        call.scale,
        None if upstream is None else column(upstream),
        wanted,
        column(loss),
    )
    if messages:
        warn(messages)
    if found is None:
        return loss, None
    sums = wide(features.dtype)
    classes = torch.frombuffer(found[0], dtype=torch.int64)
    parts = torch.frombuffer(found[4], dtype=torch.float64)
    gradients = Gradients(
        classes,
        torch.frombuffer(found[1], dtype=sums).reshape(features.shape),
        torch.frombuffer(found[2], dtype=sums).reshape(len(classes), -1),
        None if found[3] is None else torch.frombuffer(found[3], dtype=sums),
        parts.sum(),
    )
    return loss, gradients


def _by_tensors(call: Call, inputs: Inputs, wanted: bool, upstream: Optional[Tensor]) -> Evaluation:
    features, weight, bias, temperature, normalize = inputs
    sums = wide(features.dtype)
    segments = listed(call.segments, weight.shape[0])
    share = _equal_share(segments, sums)
    _check_classes(segments, weight.shape[0])
    classes, segments = _renumbered(segments)
    narrowed = [part._replace(uniform=0.0 if part.second is None else share, shares=None) for part in segments]
    noise = call.noise
    if noise is not None:
        noise = noise[classes] / noise[classes].sum()
    touched, wide_features = weight[classes].to(sums), features.to(sums)
    touched, norms = unit(touched) if normalize else (touched, None)
    logits = wide_features @ touched.T
    if bias is not None:
        logits += bias[classes].to(sums)
    narrow = call._replace(segments=tuple(narrowed), noise=noise)
    needs = Needs(wanted, wanted, sums)
    loss, gradient, parts = _tensor.evaluate(narrow, logits, temperature, needs)
    if gradient is None or parts is None:
        return loss, None
    if upstream is not None:
        gradient, parts = gradient * upstream.to(sums)[:, None], parts * upstream.to(sums)
    by_bias = None if bias is None else gradient.sum(0)
    by_weight = gradient.T @ wide_features
    by_weight = by_weight if norms is None else _through_norms(by_weight, touched, norms)
    return loss, Gradients(classes, gradient @ touched, by_weight, by_bias, parts.sum())


def _on_device(call: Call, inputs: Inputs, wanted: bool, upstream: Optional[Tensor], name: str) -> Evaluation:
    """The same as ``_by_tensors`` without a wait for the device, unless ``check_values`` is ``"now"``."""
    features, weight, bias, temperature, normalize = inputs
    sums = wide(features.dtype)
    if call.check_values == "now":
        _equal_share(list(call.segments), sums)
        _check_classes(list(call.segments), weight.shape[0])
    small, classes = _head_device.narrow(call, weight.shape[0], sums)
    touched, wide_features = weight.index_select(0, classes).to(sums), features.to(sums)
    touched, norms = unit(touched) if normalize else (touched, None)
    logits = wide_features @ touched.T
    if bias is not None:
        logits += bias.index_select(0, classes).to(sums)
    loss, gradient, part = _head_device.loss_and_gradient(small, logits, temperature, name, wanted, upstream)
    if gradient is None or part is None:
        return loss, None
    by_bias = None if bias is None else gradient.sum(0)
    by_weight = gradient.T @ wide_features
    by_weight = by_weight if norms is None else _through_norms(by_weight, touched, norms)
    found = Gradients(classes, gradient @ touched, by_weight, by_bias, part, distinct=False)
    return loss, found


def _equal_share(segments: List[Segment], sums: torch.dtype) -> float:
    """The uniform share of all candidates."""
    low, high = shares(segments)
    if high - low > torch.finfo(sums).eps:
        message = "the loss of a linear head computes only the classes that occur"
        raise ValueError(f"targets has uniform shares from {low} to {high}, expected equal ones: {message}")
    return low


def _check_classes(segments: List[Segment], num_classes: int) -> None:
    for index, segment in enumerate(segments):
        low, high = (int(end) for end in torch.aminmax(segment.first)) if segment.first.numel() else (0, 0)
        if low < 0 or high >= num_classes:
            argument, label = "targets" if index == 0 else "candidates", low if low < 0 else high
            raise IndexError(f"{argument} names class {label}, expected a class from 0 to {num_classes - 1}")
