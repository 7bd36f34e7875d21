"""The losses as functions."""

from __future__ import annotations

import numbers
from typing import Any, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from softnce.torch import _autograd, _call, _distributed
from softnce.torch._call import Targets
from softnce.torch._memory import FLOATS, resolved

__all__ = ["info_nce", "soft_target_cross_entropy", "soft_target_info_nce"]


def soft_target_info_nce(
    logits: Tensor,
    targets: Targets,
    *,
    candidates: Union[None, Targets, Sequence[Targets]] = None,
    positives: Union[None, int, Tensor] = None,
    multiplicities: Optional[Tensor] = None,
    row_weights: Optional[Tensor] = None,
    noise_probs: Optional[Tensor] = None,
    temperature: Union[float, Tensor] = 1.0,
    reduction: str = "mean",
    gather: bool = False,
    process_group: Any = None,
    backend: str = "auto",
    recognise: bool = True,
    check_values: bool = True,
) -> Tensor:
    """Soft target InfoNCE (Hugger and Uhlmann, arXiv 2404.14076).

    With the scores ``S = logits / temperature - log(noise_probs)`` and ``A = S W^T``, one score for each row and
    candidate target, the loss of row i is ``logsumexp_j(A_ij) - A_i,p(i)``, where p(i) is its positive. The posterior
    for prediction is ``softmax(logits / temperature)``. Targets carry no gradient.

    Args:
        logits: ``[N, d]``; float16, bfloat16, float32 or float64. Sums are kept in float32 (float64 for float64).
        targets: class indices ``[M]``, probabilities ``[M, d]`` or ``MixedTargets`` of M rows, M >= N. Row i's positive
            is target i.
        candidates: further targets in any form, or several: a queue's, or drawn from the targets' distribution.
        positives: the index ``[N]`` of each row's positive among all candidates, or that of the first row's.
        multiplicities: how often each candidate counts in the denominators, over targets and then candidates; 0 leaves
            it out of them.
        row_weights: ``[N]``, a weight of each row's loss; the mean divides by their sum.
        noise_probs: ``[d]``, the noise distribution; uniform, which changes nothing, where there is none.
        temperature: a number above 0, or a tensor of one; a tensor may require its gradient.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` (``[N]``).
        gather: whether the targets of all workers of ``process_group`` are candidates. Under ``"mean"`` the loss is
            then such that DistributedDataParallel's averages are those of one process over all rows, however unevenly
            these are spread.
        process_group: the group; by default all workers.
        backend: ``"kernel"`` (CPU), ``"tensor"`` (PyTorch operations, any device) or ``"auto"``.
        recognise: whether probabilities are searched for rows that hold a few classes off a floor, as MixUp writes
            them.
        check_values: whether tensor operations look for values that are not finite, labels out of range and rows off
            the simplex; the device is waited for once. The kernels always look.

    Returns:
        The loss: ``[]``, or ``[N]`` under reduction none, in the type of the logits (single precision under autocast).

    Raises:
        ValueError: shapes, devices and values that do not go together; the message names the argument.
        IndexError: a class index or positive out of range.
        TypeError: a type that is not taken.
    """
    logits = check_logits(logits)
    fixed, learned = tau(temperature, logits.device)
    call = _call.make(
        "soft-target-infonce",
        logits.shape[1],
        logits.device,
        targets,
        candidates=candidates,
        positives=positives,
        multiplicities=multiplicities,
        row_weights=row_weights,
        noise_probs=noise_probs,
        temperature=fixed,
        reduction=reduction,
        group=_distributed.group_name(process_group) if gather else "",
        backend=backend,
        recognise=recognise,
        check_values=check_values,
    )
    return _autograd.apply(call, logits, learned)


def info_nce(
    logits: Tensor,
    targets: Tensor,
    *,
    candidates: Union[None, Tensor, Sequence[Tensor]] = None,
    positives: Union[None, int, Tensor] = None,
    multiplicities: Optional[Tensor] = None,
    row_weights: Optional[Tensor] = None,
    noise_probs: Optional[Tensor] = None,
    temperature: Union[float, Tensor] = 1.0,
    reduction: str = "mean",
    gather: bool = False,
    process_group: Any = None,
    backend: str = "auto",
    check_values: bool = True,
) -> Tensor:
    """InfoNCE over class indices: soft target InfoNCE of hard labels.

    Equal labels are merged, so that it costs what cross-entropy does, however many candidates there are. Targets and
    candidates are class indices ``[M]``; the other arguments, the result and the errors are those of
    ``soft_target_info_nce``.
    """
    logits = check_logits(logits)
    fixed, learned = tau(temperature, logits.device)
    call = _call.make(
        "infonce",
        logits.shape[1],
        logits.device,
        targets,
        candidates=candidates,
        positives=positives,
        multiplicities=multiplicities,
        row_weights=row_weights,
        noise_probs=noise_probs,
        temperature=fixed,
        reduction=reduction,
        group=_distributed.group_name(process_group) if gather else "",
        backend=backend,
        check_values=check_values,
    )
    return _autograd.apply(call, logits, learned)


def soft_target_cross_entropy(
    logits: Tensor,
    targets: Targets,
    *,
    row_weights: Optional[Tensor] = None,
    temperature: Union[float, Tensor] = 1.0,
    reduction: str = "mean",
    backend: str = "auto",
    recognise: bool = True,
    check_values: bool = True,
) -> Tensor:
    """Soft target cross-entropy, ``-sum_k W_ik log softmax(logits_i / temperature)_k``.

    Targets are class indices ``[N]``, probabilities ``[N, d]`` or ``MixedTargets``; the arguments, the result and the
    errors are those of ``soft_target_info_nce``.
    """
    logits = check_logits(logits)
    fixed, learned = tau(temperature, logits.device)
    call = _call.make(
        "soft-target-cross-entropy",
        logits.shape[1],
        logits.device,
        targets,
        row_weights=row_weights,
        temperature=fixed,
        reduction=reduction,
        backend=backend,
        recognise=recognise,
        check_values=check_values,
    )
    return _autograd.apply(call, logits, learned)


def check_logits(logits: Any) -> Tensor:
    """Refuses what is no float matrix."""
    if not isinstance(logits, Tensor):
        raise TypeError(f"logits is of type {type(logits).__name__}, expected a tensor")
    if logits.dtype not in FLOATS:
        raise TypeError(f"logits has dtype {logits.dtype}, expected float16, bfloat16, float32 or float64")
    if logits.dim() != 2:
        raise ValueError(f"logits has shape {list(logits.shape)}, expected [N, d]")
    if logits.layout is not torch.strided:
        raise TypeError(f"logits has layout {logits.layout}, expected a strided tensor")
    return resolved(logits)


def tau(temperature: Union[float, Tensor], device: torch.device) -> Tuple[float, Optional[Tensor]]:
    """The temperature as a number or, where it is one, as a tensor."""
    if not isinstance(temperature, Tensor):
        if isinstance(temperature, bool) or not isinstance(temperature, numbers.Real):
            raise TypeError(f"temperature is {temperature!r}, expected a number or a tensor of one")
        return float(temperature), None
    if temperature.numel() != 1 or temperature.dtype not in FLOATS:
        found = f"shape {list(temperature.shape)} and dtype {temperature.dtype}"
        raise ValueError(f"temperature has {found}, expected one float")
    if temperature.device != device and temperature.device.type != "cpu":
        raise ValueError(f"temperature is on {temperature.device}, expected {device}, as the logits")
    return 1.0, temperature.reshape(())
