"""The losses as functions of JAX arrays, and the posterior for prediction."""

from __future__ import annotations

from typing import Any, Sequence, Union

import jax

from softnce._choices import Reduction
from softnce.jax._arrays import Array, as_floats, wide
from softnce.jax._call import make, temperature_of
from softnce.jax._loss import loss
from softnce.numpy._checks import shape_error

__all__ = ["info_nce", "posterior", "soft_target_cross_entropy", "soft_target_info_nce"]


def soft_target_info_nce(
    logits: Array,
    targets: Any,
    *,
    candidates: Union[None, Any, Sequence[Any]] = None,
    positives: Union[None, int, Array] = None,
    multiplicities: Union[None, Array] = None,
    row_weights: Union[None, Array] = None,
    noise_probs: Union[None, Array] = None,
    temperature: Union[float, Array] = 1.0,
    reduction: Reduction = "mean",
    backend: str = "auto",
    recognise: bool = True,
) -> Array:
    """Soft target InfoNCE (Hugger and Uhlmann, arXiv 2404.14076).

    The scores of the classes are ``S = logits / temperature - log(noise_probs)``. ``A = S W^T`` has one score for each
    row and candidate target. The loss of row i is ``logsumexp_j(A_ij) - A_i,p(i)``, where p(i) is its positive. The
    posterior for prediction is ``softmax(logits / temperature)``.

    Logits and temperature have gradients; all other arguments are constants, also under ``jax.grad``. All
    transformations of JAX are supported, and derivatives of any order. The kernels compute the loss and its first
    derivatives; JAX operations compute the second ones.

    Args:
        logits: ``[N, d]``; float16, bfloat16, float32 or float64. Sums are kept in float32 (float64 for float64).
        targets: class indices ``[M]``, probabilities ``[M, d]`` or ``MixedTargets`` of M rows, also those of
            ``softnce.numpy``. Row i's positive is target i, so that M >= N, unless ``positives`` names them.
        candidates: additional candidates: targets in any form, or a list of several arrays or ``MixedTargets``. They
            may come from other devices or be drawn from the distribution of the targets.
        positives: the index ``[N]`` of each row's positive among all candidates, or the index of the first row's
            positive (row i then has index positives + i), a number or an array ``[]``.
        multiplicities: how often each candidate counts in the denominator, for targets and then candidates; 0 excludes
            the candidate. Numbers of any type.
        row_weights: ``[N]``, a weight for the loss of each row; the mean divides by their sum. Numbers of any type.
        noise_probs: ``[d]``, the noise distribution. Without it the noise is uniform, which changes nothing.
        temperature: a number above 0, or an array with one number, which may be traced.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` (``[N]``).
        backend: ``"kernel"`` (Rust, CPU devices), ``"jax"`` (JAX operations, any device) or ``"auto"``: the kernels for
            arrays on CPU devices outside of ``jax.jit`` and ``jax.vmap``, JAX operations elsewhere.
        recognise: whether the kernels search dense probabilities for the compact form: rows in which all but a few
            classes share one value, as MixUp makes them. JAX operations multiply by dense probabilities.

    Returns:
        The loss: ``[]``, or ``[N]`` with reduction none; float64 for float64 logits, otherwise float32.

    Raises:
        ValueError: shapes or values do not match; the message names the argument. Shapes are always checked. For
            values see *Errors* in ``softnce.jax``.
        IndexError: a class index or positive is out of range.
        TypeError: a type is not supported.
    """
    return loss(
        *make(
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
            backend=backend,
            recognise=recognise,
        )
    )


def info_nce(
    logits: Array,
    targets: Any,
    *,
    candidates: Union[None, Any, Sequence[Any]] = None,
    positives: Union[None, int, Array] = None,
    multiplicities: Union[None, Array] = None,
    row_weights: Union[None, Array] = None,
    noise_probs: Union[None, Array] = None,
    temperature: Union[float, Array] = 1.0,
    reduction: Reduction = "mean",
    backend: str = "auto",
) -> Array:
    """InfoNCE over class indices: soft target InfoNCE of hard labels.

    Equal labels are merged, so it costs as much as cross-entropy with any number of candidates. Targets and candidates
    are class indices ``[M]`` or one-hot rows. The other arguments, the result and the errors are those of
    :func:`soft_target_info_nce`.
    """
    return loss(
        *make(
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
            backend=backend,
        )
    )


def soft_target_cross_entropy(
    logits: Array,
    targets: Any,
    *,
    row_weights: Union[None, Array] = None,
    temperature: Union[float, Array] = 1.0,
    reduction: Reduction = "mean",
    backend: str = "auto",
    recognise: bool = True,
) -> Array:
    """Soft target cross-entropy, ``-sum_k W_ik log softmax(logits_i / temperature)_k``.

    Targets are class indices ``[N]``, probabilities ``[N, d]`` or ``MixedTargets``. The arguments, the result and the
    errors are those of :func:`soft_target_info_nce`.
    """
    return loss(
        *make(
            "soft-target-cross-entropy",
            logits,
            targets,
            temperature,
            row_weights=row_weights,
            reduction=reduction,
            backend=backend,
            recognise=recognise,
        )
    )


def posterior(logits: Array, temperature: Union[float, Array] = 1.0) -> Array:
    """The class probabilities ``softmax(logits / temperature)`` that the losses train (arXiv 2404.14076).

    Args:
        logits: ``[..., d]``; float16, bfloat16, float32 or float64.
        temperature: a number above 0, or an array with one number.

    Returns:
        ``[..., d]``; float64 for float64 logits, otherwise float32. The noise distribution is not used.

    Raises:
        ValueError: the logits have no classes; the temperature is a number and out of range.
        TypeError: a type is not supported.
    """
    array = as_floats("logits", logits)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise shape_error("logits", array, "[..., d]")
    # Divided after the largest is subtracted, so that a small temperature does not overflow.
    rows = array.astype(wide(array.dtype))
    centred = rows - jax.lax.stop_gradient(rows.max(-1, keepdims=True))
    return jax.nn.softmax(centred / temperature_of(temperature, array.dtype))
