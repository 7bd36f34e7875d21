"""Runs a case through the backends of the package."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional

import numpy as np
import torch
from fuzz_cases import CROSS, HARD, SOFT, Case, Targets, Values
from torch import Tensor

import softnce.numpy as arrays
import softnce.torch as losses

try:
    import ml_dtypes
except ImportError:
    ml_dtypes = None

__all__ = ["Found", "by_numpy", "by_torch", "for_numpy"]

MODULES = {
    SOFT: losses.SoftTargetInfoNCE,
    HARD: losses.InfoNCE,
    CROSS: losses.SoftTargetCrossEntropy,
}


class Found(NamedTuple):
    """What a backend computes, in double precision, and the types that it computes in."""

    loss: Any
    loss_dtype: str
    #: ``[N, d]``
    gradient: Any
    gradient_dtype: str
    temperature: Optional[float]
    temperature_dtype: str


# PyTorch --------------------------------------------------------------------------------------------------------------


def tensor(given: Optional[Values]) -> Optional[Tensor]:
    """A tensor with the layout asked for; PyTorch has no negative strides."""
    if given is None:
        return None
    dtype = getattr(torch, given.dtype)
    kind = given.values.dtype.kind
    plain = torch.from_numpy(given.values.astype({"f": np.float64, "b": np.bool_}.get(kind, np.int64))).to(dtype)
    if given.layout == "expanded":
        return plain[:1].expand(plain.shape)
    if given.layout == "strided":
        if plain.dim() == 1:
            return torch.stack((plain, plain), 1)[:, 1]
        wider = torch.zeros(2 * plain.shape[0], 3 * plain.shape[1], dtype=dtype)
        wider[::2, ::3] = plain
        return wider[::2, ::3]
    return plain.T.contiguous().T if given.layout == "transposed" and plain.dim() == 2 else plain


def torch_targets(given: Targets, classes: int) -> Any:
    if given.weights is None:
        return tensor(given.first)
    uniform = tensor(given.uniform) if isinstance(given.uniform, Values) else given.uniform
    return losses.MixedTargets.compact(uniform, tensor(given.first), tensor(given.weights), classes)


def shaped(case: Case, values: Any, classes: bool) -> Any:
    """Values of all positions in the shape of the positions, with or without the classes."""
    if case.shape is None or not isinstance(values, Tensor):
        return values
    positions, dim = case.shape
    if not classes:
        return values.reshape(positions)
    return values.reshape(*positions, values.shape[-1]).movedim(-1, dim).contiguous()


def by_torch(case: Case, backend: str) -> Found:
    """The case by ``softnce.torch``."""
    rows, classes = case.logits.values.shape
    made = tensor(case.logits)
    logits = shaped(case, made, True).detach().requires_grad_()
    targets = shaped(case, torch_targets(case.targets, classes), case.targets.form == "dense")
    fixed: Dict[str, Any] = {"check_values": case.check_values, "backend": backend}
    calls: Dict[str, Any] = {"row_weights": shaped(case, tensor(case.row_weights), False)}
    fixed["dim"] = None if case.shape is None else case.shape[1]
    fixed["ignore_index"] = case.ignore_index
    if case.loss == CROSS:
        fixed.update(weight=tensor(case.weight), label_smoothing=case.smoothing)
    else:
        fixed["noise_probs"] = tensor(case.noise)
        candidates = [torch_targets(part, classes) for part in case.candidates]
        calls["candidates"] = candidates[0] if len(candidates) == 1 else candidates or None
        calls["multiplicities"] = tensor(case.multiplicities)
        calls["positives"] = tensor(case.positives) if isinstance(case.positives, Values) else case.positives
    if case.loss != HARD:
        fixed["recognise"] = case.recognise
    temperature: Any = case.temperature
    if case.learned is not None:
        temperature = torch.tensor(temperature, dtype=getattr(torch, case.learned)).requires_grad_()
    if case.module:
        loss = MODULES[case.loss](temperature, case.reduction, **fixed)(logits, targets, **calls)
    else:
        function = getattr(losses, case.loss)
        loss = function(logits, targets, temperature=temperature, reduction=case.reduction, **fixed, **calls)
    wanted = [logits] if case.learned is None else [logits, temperature]
    upstream = torch.from_numpy(case.upstream).to(loss.dtype).reshape(loss.shape)
    gradient, *others = torch.autograd.grad(loss, wanted, upstream)
    if case.shape is not None:
        gradient = gradient.movedim(case.shape[1], -1).reshape(rows, classes)
    return Found(
        loss.detach().double().numpy().reshape(case.upstream.shape),
        str(loss.dtype)[6:],
        gradient.double().numpy(),
        str(gradient.dtype)[6:],
        float(others[0]) if others else None,
        case.learned or "",
    )


# NumPy ----------------------------------------------------------------------------------------------------------------


def for_numpy(case: Case) -> bool:
    """Whether ``softnce.numpy`` has all options of a case, and NumPy all types."""
    options = (case.shape, case.ignore_index, case.weight)
    return ml_dtypes is not None and not case.smoothing and all(option is None for option in options)


def array(given: Optional[Values]) -> Any:
    """An array with the layout asked for."""
    if given is None:
        return None
    plain = given.values.astype(ml_dtypes.bfloat16 if given.dtype == "bfloat16" else given.dtype)
    if given.layout == "expanded":
        return np.broadcast_to(plain[:1], plain.shape)
    if given.layout == "reversed":
        return np.ascontiguousarray(plain[::-1])[::-1]
    if given.layout == "strided":
        wider = np.zeros([2 * length for length in plain.shape], plain.dtype)
        view = wider[tuple([slice(None, None, 2)] * plain.ndim)]
        view[...] = plain
        return view
    return np.asfortranarray(plain) if given.layout == "transposed" else plain


def numpy_targets(given: Targets, classes: int) -> Any:
    if given.weights is None:
        return array(given.first)
    uniform = array(given.uniform) if isinstance(given.uniform, Values) else given.uniform
    return arrays.MixedTargets.compact(uniform, array(given.first), array(given.weights), classes)


def by_numpy(case: Case) -> Found:
    """The case by ``softnce.numpy``."""
    classes = case.logits.values.shape[1]
    options: Dict[str, Any] = {"row_weights": array(case.row_weights), "temperature": case.temperature}
    options.update(reduction=case.reduction, upstream=_upstream(case))
    if case.loss != HARD:
        options["recognise"] = case.recognise
    if case.loss != CROSS:
        candidates = [numpy_targets(part, classes) for part in case.candidates]
        options["candidates"] = candidates[0] if len(candidates) == 1 else candidates or None
        options["positives"] = array(case.positives) if isinstance(case.positives, Values) else case.positives
        options.update(multiplicities=array(case.multiplicities), noise_probs=array(case.noise))
    function = getattr(arrays, f"{case.loss}_and_gradient")
    loss, gradient, temperature = function(array(case.logits), numpy_targets(case.targets, classes), **options)
    kind, found = _named(loss), _named(gradient)
    return Found(np.asarray(loss, np.float64), kind, gradient.astype(np.float64), found, temperature, kind)


def _upstream(case: Case) -> Any:
    return case.upstream if case.upstream.ndim else float(case.upstream)


def _named(values: Any) -> str:
    return str(values.dtype.name)
