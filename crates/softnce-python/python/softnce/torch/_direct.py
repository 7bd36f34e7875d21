"""The common call without detours: one set of targets, on the CPU, without further arguments.

At small sizes the general path spends more time on its arguments than the kernels on the loss. This one leaves every
check of shapes and values to the kernels, which raise the same errors.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple, Optional, Tuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import _get_current_dispatch_mode

from softnce._choices import Checks
from softnce.torch import _call, _kernel
from softnce.torch._differentiable import transformed
from softnce.torch._loss_function import LossFunction
from softnce.torch._memory import FLOATS, check_unchanged, integers, place, signed, versions
from softnce.torch._shapes import is_flat
from softnce.torch._temperature import Learned, by_logarithm, tau
from softnce.torch.targets import MixedTargets, tensors_of

__all__ = ["Settings", "loss"]

_STRIDED = torch.strided


class Settings(NamedTuple):
    """What does not change from call to call."""

    kind: str
    #: A number, a tensor or a learned temperature.
    temperature: Any
    noise: Optional[Tensor]
    reduction: str
    dim: Optional[int]
    backend: str
    recognise: bool
    check_values: Checks


def loss(settings: Settings, logits: Any, targets: Any) -> Optional[Tensor]:
    """The loss of logits ``[N, d]``; None if the call needs the general path."""
    _, _, noise, reduction, dim, backend, recognise, check_values = settings
    if torch.compiler.is_compiling() or backend not in ("auto", "kernel") or not _plain(logits):
        return None
    if not is_flat(logits, dim) or logits.dtype not in FLOATS:
        return None
    if reduction not in _call.REDUCTIONS or check_values not in _call.CHECKS or type(recognise) is not bool:
        return None
    if transformed() or _get_current_dispatch_mode() is not None:
        return None
    segment = _segment(targets, logits.shape[1])
    if segment is None or not (noise is None or _is_noise(noise)):
        return None
    number, learned = tau(settings.temperature, logits.device)
    evaluate = partial(_evaluate, settings, number, logits, segment, learned)
    if not torch.is_grad_enabled():
        return evaluate(False, False).loss
    again = partial(_again, settings, logits.shape[1], targets, versions(_tensors(settings, targets)))
    tensor, log = (None, False) if learned is None else learned
    found: Tensor = LossFunction.apply(logits, tensor, log, evaluate, again)
    return found


def _plain(tensor: Any) -> bool:
    """Whether the kernels can read a tensor; they also check this."""
    return type(tensor) is Tensor and tensor.is_cpu and tensor.layout is _STRIDED and not tensor.is_neg()


def _is_noise(tensor: Any) -> bool:
    return _plain(tensor) and tensor.dim() == 1 and tensor.dtype in FLOATS


def _segment(targets: Any, num_classes: int) -> Optional[Tuple[Any, ...]]:
    """The targets as the kernels take them; None for those that need the general path."""
    if type(targets) is MixedTargets:
        if targets.num_classes != num_classes or not (_plain(targets.classes) and _plain(targets.weights)):
            return None
        classes, weights, uniform = place(targets.classes), place(targets.weights), targets.uniform
        if not isinstance(uniform, Tensor):
            return classes, weights, uniform, None, None
        return (classes, weights, 0.0, place(uniform), None) if _plain(uniform) else None
    if not _plain(targets):
        return None
    if targets.dim() == 2 and targets.shape[1] == num_classes and targets.dtype in FLOATS:
        return place(targets), None, 0.0, None, None
    # Further types of integers have few operations, which second derivatives use.
    if targets.dim() == 1 and integers(targets) and signed(targets) is targets:
        return place(targets), None, 0.0, None, None
    return None


def _evaluate(
    settings: Settings,
    number: float,
    logits: Tensor,
    segment: Tuple[Any, ...],
    learned: Optional[Learned],
    by_logits: bool,
    by_temperature: bool,
) -> _call.Result:
    kind, _, noise, reduction, _, _, recognise, _ = settings
    if learned is not None:
        number = learned.number()
    packed = (kind, number, None if noise is None else place(noise), reduction, recognise)
    needs = _call.Needs(by_logits, by_temperature, _call.wide(logits.dtype))
    result = _kernel.run(packed, logits, [segment], ((0, None), None), 1.0, needs)
    return by_logarithm(result, number) if learned is not None and learned.log else result


def _tensors(settings: Settings, targets: Any) -> Tuple[Tensor, ...]:
    """The tensors that second derivatives read again."""
    found = tensors_of(targets)
    return found if settings.noise is None else (*found, settings.noise)


def _again(settings: Settings, num_classes: int, targets: Any, before: Tuple[int, ...]) -> _call.Call:
    """The call as the general path makes it."""
    check_unchanged("targets or noise_probs", _tensors(settings, targets), before)
    return _call.make(
        settings.kind,
        num_classes,
        torch.device("cpu"),
        targets,
        noise_probs=settings.noise,
        temperature=tau(settings.temperature, torch.device("cpu"))[0],
        reduction=settings.reduction,
        backend=settings.backend,
        check_values=settings.check_values,
        recognise=settings.recognise,
    )
