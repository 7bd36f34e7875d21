"""The losses as functions."""

from __future__ import annotations

import numbers
from typing import Any, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from softnce._choices import Backend, Reduction
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
    reduction: Reduction = "mean",
    gather: bool = False,
    process_group: Any = None,
    backend: Backend = "auto",
    recognise: bool = True,
    check_values: bool = True,
) -> Tensor:
    """Soft target InfoNCE (Hugger and Uhlmann, arXiv 2404.14076).

    The scores of the classes are ``S = logits / temperature - log(noise_probs)``. ``A = S W^T`` has one score for each
    row and candidate target. The loss of row i is ``logsumexp_j(A_ij) - A_i,p(i)``, where p(i) is its positive. The
    posterior for prediction is ``softmax(logits / temperature)``. Targets carry no gradient.

    Args:
        logits: ``[N, d]``; float16, bfloat16, float32 or float64. Sums are kept in float32 (float64 for float64).
        targets: class indices ``[M]``, probabilities ``[M, d]`` or ``MixedTargets`` of M rows. Row i's positive is
            target i, so that M >= N, unless ``positives`` names them.
        candidates: additional candidates: targets in any form, or a list of them. They may come from a queue or be
            drawn from the distribution of the targets.
        positives: the index ``[N]`` of each row's positive among all candidates, or the index of the first row's
            positive (row i then has index positives + i).
        multiplicities: how often each candidate counts in the denominator, for targets and then candidates; 0 excludes
            the candidate. Numbers of any type.
        row_weights: ``[N]``, a weight for the loss of each row; the mean divides by their sum. Numbers of any type.
        noise_probs: ``[d]``, the noise distribution. Without it the noise is uniform, which changes nothing.
        temperature: a number above 0, or a tensor with one number, which may require a gradient.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` (``[N]``).
        gather: whether the targets of all workers of ``process_group`` are candidates. With reduction ``"mean"``,
            averaging over workers, as DistributedDataParallel does, then gives the result of one process over all rows,
            also if the workers have different numbers of rows.
        process_group: the process group; by default all workers.
        backend: ``"kernel"`` (CPU), ``"tensor"`` (PyTorch operations, any device) or ``"auto"``.
        recognise: whether to search dense probabilities for the compact form: rows in which all but a few classes share
            one value, as MixUp makes them.
        check_values: whether tensor operations check for values that are not finite, labels out of range and rows that
            are not distributions. The checks wait for the device once. The kernels always check.

    Returns:
        The loss: ``[]``, or ``[N]`` with reduction none; float64 for float64 logits, otherwise float32.

    Raises:
        ValueError: shapes, devices or values do not match; the message names the argument.
        IndexError: a class index or positive is out of range.
        TypeError: a type is not supported.
    """
    return _loss(
        "soft-target-infonce",
        logits,
        targets,
        temperature,
        candidates=candidates,
        positives=positives,
        multiplicities=multiplicities,
        row_weights=row_weights,
        noise_probs=noise_probs,
        reduction=reduction,
        gather=gather,
        process_group=process_group,
        backend=backend,
        recognise=recognise,
        check_values=check_values,
    )


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
    reduction: Reduction = "mean",
    gather: bool = False,
    process_group: Any = None,
    backend: Backend = "auto",
    check_values: bool = True,
) -> Tensor:
    """InfoNCE over class indices: soft target InfoNCE of hard labels.

    Equal labels are merged, so it costs as much as cross-entropy with any number of candidates. Targets and candidates
    are class indices ``[M]`` or one-hot rows. The other arguments, the result and the errors are those of
    ``soft_target_info_nce``.
    """
    return _loss(
        "infonce",
        logits,
        targets,
        temperature,
        candidates=candidates,
        positives=positives,
        multiplicities=multiplicities,
        row_weights=row_weights,
        noise_probs=noise_probs,
        reduction=reduction,
        gather=gather,
        process_group=process_group,
        backend=backend,
        check_values=check_values,
    )


def soft_target_cross_entropy(
    logits: Tensor,
    targets: Targets,
    *,
    row_weights: Optional[Tensor] = None,
    temperature: Union[float, Tensor] = 1.0,
    reduction: Reduction = "mean",
    backend: Backend = "auto",
    recognise: bool = True,
    check_values: bool = True,
) -> Tensor:
    """Soft target cross-entropy, ``-sum_k W_ik log softmax(logits_i / temperature)_k``.

    Targets are class indices ``[N]``, probabilities ``[N, d]`` or ``MixedTargets``. The arguments, the result and the
    errors are those of ``soft_target_info_nce``.
    """
    return _loss(
        "soft-target-cross-entropy",
        logits,
        targets,
        temperature,
        row_weights=row_weights,
        reduction=reduction,
        backend=backend,
        recognise=recognise,
        check_values=check_values,
    )


def _loss(
    kind: str,
    logits: Tensor,
    targets: Any,
    temperature: Union[float, Tensor],
    gather: bool = False,
    process_group: Any = None,
    **arguments: Any,
) -> Tensor:
    logits = check_logits(logits)
    fixed, learned = tau(temperature, logits.device)
    group = _distributed.group_name(process_group) if gather else ""
    call = _call.make(kind, logits.shape[1], logits.device, targets, temperature=fixed, group=group, **arguments)
    return _autograd.apply(call, logits, learned)


def check_logits(logits: Any) -> Tensor:
    """Checks that the logits are a float matrix."""
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
    """The temperature as a number, or as a tensor if it is one."""
    if not isinstance(temperature, Tensor):
        if isinstance(temperature, bool) or not isinstance(temperature, numbers.Real):
            raise TypeError(f"temperature is {temperature!r}, expected a number or a tensor with one number")
        return float(temperature), None
    if temperature.numel() != 1 or temperature.dtype not in FLOATS:
        found = f"shape {list(temperature.shape)} and dtype {temperature.dtype}"
        raise ValueError(f"temperature has {found}, expected one float")
    if temperature.device != device and temperature.device.type != "cpu":
        raise ValueError(f"temperature is on {temperature.device}, expected {device}, as the logits")
    return 1.0, temperature.reshape(())
