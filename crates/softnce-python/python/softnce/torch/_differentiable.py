"""The losses in operations that PyTorch differentiates: for ``torch.func``, forward mode and second derivatives.

They are the formulas of the definition without the shortcuts of the other paths: the scores of all candidates exist at
once, ``[N, M]``.
"""

from __future__ import annotations

from typing import Any, Optional, Sequence, Tuple

import torch
from torch import Tensor
from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack
from torch.autograd import forward_ad

from softnce.torch import _dispatch, _distributed, _tensor
from softnce.torch._call import CONTRASTIVE, HARD, Call, Needs, Segment, tensors, wide
from softnce.torch._checks import shapes_fit
from softnce.torch._temperature import Learned

__all__ = ["gradients", "loss", "transformed"]


def transformed() -> bool:
    """Whether a transform of ``torch.func`` or forward-mode AD is active."""
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def loss(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Tensor:
    """The loss of logits ``[N, d]``, differentiable as often as needed."""
    if call.group:
        call = _distributed.gather(call, *logits.shape)
    _check(call, logits, temperature)
    return _loss(call, logits, temperature)


def _loss(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> Tensor:
    sums = wide(logits.dtype)
    with torch.autocast(logits.device.type, enabled=False):
        rows = logits.to(sums)
        centred = rows - rows.detach().amax(1, keepdim=True)
        tau = call.temperature if temperature is None else temperature.to(logits.device, sums)
        losses = (_contrastive if call.kind in CONTRASTIVE else _cross_entropy)(call, centred / tau)
        losses = losses * _tensor.row_factors(call, logits, sums)
        return losses if call.reduction == "none" else losses.sum()


def gradients(
    call: Call, logits: Tensor, learned: Optional[Learned], upstream: Tensor, needs: Sequence[bool]
) -> Tuple[Optional[Tensor], Optional[Tensor]]:
    """The gradients of a call whose values have been checked, for logits and temperature; differentiable."""
    inputs = (logits, None if learned is None else learned.tensor)
    wanted = [tensor for tensor, need in zip(inputs, needs) if need and tensor is not None]
    if call.group:
        call = _distributed.gather(call, *logits.shape)
    with torch.enable_grad():
        temperature = None if learned is None else learned.value()
        value = _loss(call, logits, temperature)
        found = iter(torch.autograd.grad(value, wanted, upstream, create_graph=True))
    return next(found) if needs[0] else None, next(found) if needs[1] else None


def _values(tensor: Tensor) -> Optional[Tensor]:
    """The tensor inside the wrappers of ``torch.func``; None if it is batched."""
    functions = torch._C._functorch
    while functions.is_functorch_wrapped_tensor(tensor):
        if functions.is_batchedtensor(tensor):
            return None
        tensor = functions.get_unwrapped(tensor)
    return tensor


def _check(call: Call, logits: Tensor, temperature: Optional[Tensor]) -> None:
    """Raises the errors of the other paths. Neither batched values nor those in compiled code can be checked."""
    fit, compiling = shapes_fit(call, logits), torch.compiler.is_compiling()
    if fit and (compiling or not (call.check_values or call.kind in HARD)):
        return
    if compiling:
        raise _misfit(call, logits)
    batched = False

    def plain(value: Any) -> Any:
        nonlocal batched
        if not isinstance(value, Tensor):
            return value
        found = _values(value)
        batched = batched or found is None
        return found

    segments = tuple(Segment(*map(plain, segment)) for segment in call.segments)
    found = Call(call.kind, segments, *map(plain, call[2:]))
    values, number = plain(logits), plain(temperature)
    if batched and not fit:
        raise _misfit(call, logits)
    if not batched:
        # Outside the transforms, which would wrap every new tensor.
        with temporarily_clear_interpreter_stack():
            learned = None if number is None else Learned(number)
            _dispatch.evaluate(found, values, learned, Needs(False, False, wide(values.dtype)))


def _misfit(call: Call, logits: Tensor) -> ValueError:
    shapes = ", ".join([str(list(tensor.shape)) for tensor in tensors(call)])
    message = f"temperature {call.temperature} and arguments of the shapes {shapes}"
    return ValueError(f"logits has shape {list(logits.shape)}, which does not fit {message}")


def _contrastive(call: Call, scores: Tensor) -> Tensor:
    """``logsumexp_j(A_ij + log m_j) - A_i,p(i)``, ``[n, d]`` to ``[n]``."""
    if call.noise is not None:
        scores = scores - _tensor.log_noise(call.noise, scores.dtype)
    parts = _tensor.prepare(call.segments, scores.dtype, cancel=True)
    critic = torch.cat([_score(part, scores) for part in parts], 1)
    positive = critic.gather(1, _tensor.positives_of(call, 0, scores.shape[0], scores.device))
    counts = _tensor.multiplicities(call.segments)
    counted = critic if counts is None else critic + counts.log().to(scores.dtype)
    # Relative to the largest score: beside large scores the logarithm of the sum would be lost in rounding.
    peak = counted.detach().amax(1, keepdim=True)
    return (counted - peak).logsumexp(1) - (positive - peak)[:, 0]


def _score(part: _tensor.Candidates, scores: Tensor) -> Tensor:
    """``S W^T``: ``[n, d]`` to ``[n, M]``."""
    if part.weights is None:
        return scores[:, part.first] if part.first.dim() == 1 else scores @ part.first.T
    out = scores.new_zeros(scores.shape[0], part.first.shape[0])
    for classes, weights in zip(part.first.unbind(1), part.weights.unbind(1)):
        out = out + scores[:, classes] * weights
    return out if part.uniform is None else out + scores.mean(1, keepdim=True) * part.uniform


def _cross_entropy(call: Call, scores: Tensor) -> Tensor:
    """``-sum_k W_ik log softmax(S_i)_k``, ``[n, d]`` to ``[n]``."""
    log_posterior = scores.log_softmax(1)
    (part,) = _tensor.prepare(call.segments, scores.dtype, cancel=False)
    first = part.first[: scores.shape[0]]
    if part.weights is None and first.dim() == 2:
        return -(first * log_posterior).sum(1)
    if part.weights is None:
        return -log_posterior.gather(1, first[:, None])[:, 0]
    expected = (part.weights[: scores.shape[0]] * log_posterior.gather(1, first)).sum(1)
    if part.uniform is None:
        return -expected
    uniform = part.uniform[: scores.shape[0]] if isinstance(part.uniform, Tensor) else part.uniform
    return -expected - uniform * log_posterior.mean(1)
