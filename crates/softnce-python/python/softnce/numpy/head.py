"""The loss of a linear head, without materialising its logits."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Sequence, Tuple, Union, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from softnce import _native
from softnce._choices import Reduction
from softnce._warnings import warn
from softnce.numpy._call import Call, Targets, make
from softnce.numpy._checks import as_array, as_matrix, shape_error
from softnce.numpy._kernel import Loss, follow_threads
from softnce.numpy._memory import plain, view, view_of, wide
from softnce.numpy._scale import scaled, upstream_factor

__all__ = ["HeadLossAndGradient", "head_loss_and_gradient"]


class HeadLossAndGradient(NamedTuple):
    """The loss of a linear head, and its gradients times the upstream gradient; T classes occur in the candidates."""

    #: The loss, without the upstream gradient: a scalar, or ``[N]`` with reduction none; float64 for
    #: float64 features, otherwise float32.
    loss: Loss
    #: The classes that occur, in ascending order, ``[T]`` (int64). The gradients of all other classes are 0.
    classes: NDArray[np.int64]
    #: ``[N, D]``, in the type of the features, like the following gradients.
    features_gradient: NDArray[Any]
    #: For the rows ``classes`` of the weight matrix, ``[T, D]``.
    weight_gradient: NDArray[Any]
    #: For the entries ``classes`` of the bias, ``[T]``; None without a bias.
    bias_gradient: Optional[NDArray[Any]]
    #: With respect to the temperature, summed over the rows.
    temperature_gradient: float


def head_loss_and_gradient(
    features: ArrayLike,
    weight: ArrayLike,
    targets: Targets,
    *,
    bias: Optional[ArrayLike] = None,
    candidates: Union[None, Targets, Sequence[Targets]] = None,
    positives: Union[None, int, ArrayLike] = None,
    multiplicities: Optional[ArrayLike] = None,
    row_weights: Optional[ArrayLike] = None,
    noise_probs: Optional[ArrayLike] = None,
    temperature: float = 1.0,
    reduction: Reduction = "mean",
    upstream: Union[None, float, ArrayLike] = None,
) -> HeadLossAndGradient:
    """Soft target InfoNCE and its gradients for the logits ``features @ weight.T + bias``, which are not materialised.

    Only the classes that occur among the candidates are computed, so it costs the same for ten thousand classes as for
    ten million (Hugger and Uhlmann, arXiv 2404.14076, with the critic of a linear head). Arguments that are not listed
    are those of :func:`softnce.numpy.soft_target_info_nce`.

    Args:
        features: ``[N, D]``; float16, bfloat16, float32 or float64.
        weight: ``[d, D]``, the weight matrix, in the type of the features.
        targets: class indices, ``MixedTargets``, or probabilities in which the compact form of ``MixedTargets`` is
            found. Their uniform shares must be equal (the same label smoothing in every row): only then do the shares
            cancel, so that the other classes do not contribute.
        bias: ``[d]``, in the type of the features.
        upstream: see :func:`softnce.numpy.soft_target_info_nce_and_gradient`.

    Returns:
        The loss; the T classes that occur; the gradients with respect to the features ``[N, D]``, and the weights
        ``[T, D]`` and bias ``[T]`` of these classes, rounded once to the type of the features; the gradient with
        respect to the temperature.

    Raises:
        ValueError: shapes or values do not match; dense targets without a compact form; unequal uniform shares.
        IndexError: a class index or positive is out of range.
        TypeError: a type is not supported.
    """
    head = _head(features, weight, bias)
    label_side = candidates, positives, multiplicities, row_weights, noise_probs
    call = make("soft-target-infonce", len(head.weight), targets, *label_side, temperature, reduction)
    return _evaluate_head(call, head, upstream)


class _Head(NamedTuple):
    """The arrays of a linear head."""

    features: NDArray[Any]
    weight: NDArray[Any]
    bias: Optional[NDArray[Any]]


def _head(features: Any, weight: Any, bias: Any) -> _Head:
    weight, features = as_matrix("weight", weight, "[d, D]"), as_array("features", features)
    if features.ndim != 2 or features.shape[1] != weight.shape[1]:
        raise shape_error("features", features, f"[N, {weight.shape[1]}]")
    if features.dtype.name != weight.dtype.name:
        raise TypeError(f"features has dtype {features.dtype}, expected {weight.dtype}, as weight")
    if bias is not None:
        bias = as_array("bias", bias)
        if bias.shape != weight.shape[:1]:
            raise shape_error("bias", bias, f"[{len(weight)}], one for each class")
        if bias.dtype.name != weight.dtype.name:
            raise TypeError(f"bias has dtype {bias.dtype}, expected {weight.dtype}, as weight")
        bias = plain(bias)
    return _Head(plain(features), weight, bias)


def _evaluate_head(call: Call, head: _Head, upstream: Any) -> HeadLossAndGradient:
    """The loss of a linear head, and its gradients times the upstream gradient."""
    rows, by_row, dtype = len(head.features), call.reduction == "none", head.features.dtype
    loss = np.empty(rows if by_row else 1, wide(dtype))
    factor = upstream_factor(call, upstream, rows)
    follow_threads()
    gradients_found, messages = _native.head(
        call.settings(),
        (view(head.features), view(head.weight), view_of(head.bias)),
        *call.label_side(),
        1.0,
        # With reduction none, the gradients of the weights are sums over rows weighted by the upstream gradient, so the
        # kernels need it. The gradients of a reduced loss are scaled below.
        view_of(factor if by_row else None),
        True,
        view(loss),
    )
    warn(messages)
    found = cast("Tuple[bytearray, ...]", gradients_found)
    scale = None if by_row else factor
    gradients: List[Any] = [
        None if part is None else scaled(np.frombuffer(part, wide(dtype)), scale, dtype) for part in found[1:4]
    ]
    classes, parts = np.frombuffer(found[0], np.int64), np.frombuffer(found[4])
    return HeadLossAndGradient(
        loss if by_row else loss[0],
        classes,
        gradients[0].reshape(head.features.shape),
        gradients[1].reshape(len(classes), head.weight.shape[1]),
        gradients[2],
        float(scaled(parts, scale, parts.dtype).sum()),
    )
