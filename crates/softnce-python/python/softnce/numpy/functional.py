"""The losses as functions of arrays, each alone and with its gradients."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Optional, Sequence, Union

from numpy.typing import ArrayLike, NDArray

from softnce._choices import Reduction
from softnce.numpy._call import Targets, make
from softnce.numpy._checks import as_matrix
from softnce.numpy._kernel import Loss, evaluate

__all__ = [
    "LossAndGradient",
    "info_nce",
    "info_nce_and_gradient",
    "soft_target_cross_entropy",
    "soft_target_cross_entropy_and_gradient",
    "soft_target_info_nce",
    "soft_target_info_nce_and_gradient",
]


class LossAndGradient(NamedTuple):
    """A loss and its gradients, times the upstream gradient."""

    #: The loss, without the upstream gradient: a scalar, or ``[N]`` with reduction none; float64 for
    #: float64 logits, otherwise float32.
    loss: Loss
    #: ``[N, d]``, in the type of the logits.
    logits_gradient: NDArray[Any]
    #: With respect to the temperature, summed over the rows.
    temperature_gradient: float


def soft_target_info_nce(
    logits: ArrayLike,
    targets: Targets,
    *,
    candidates: Union[None, Literal["classes"], Targets, Sequence[Targets]] = None,
    positives: Union[None, int, ArrayLike] = None,
    multiplicities: Optional[ArrayLike] = None,
    row_weights: Optional[ArrayLike] = None,
    noise_probs: Optional[ArrayLike] = None,
    temperature: float = 1.0,
    reduction: Reduction = "mean",
    recognise: bool = True,
) -> Loss:
    """Soft target InfoNCE (Hugger and Uhlmann, arXiv 2404.14076).

    The scores of the classes are ``S = logits / temperature - log(noise_probs)``. ``A = S W^T`` has one score for each
    row and candidate target. The loss of row i is ``logsumexp_j(A_ij) - A_i,p(i)``, where p(i) is its positive. The
    posterior for prediction is ``softmax(logits / temperature)``.

    Args:
        logits: ``[N, d]``; float16, bfloat16, float32 or float64. Sums are kept in float32 (float64 for float64).
        targets: class indices ``[M]``, probabilities ``[M, d]`` or ``MixedTargets`` of M rows. Row i's positive is
            target i, so that M >= N, unless ``positives`` names them.
        candidates: additional candidates: targets in any form, or a list of several arrays or ``MixedTargets``. They
            may come from a queue or be drawn from the distribution of the targets. ``"classes"``: all classes in place
            of the targets, weighted by the noise distribution, for targets that are distributions to be matched.
        positives: the index ``[N]`` of each row's positive among all candidates, or the index of the first row's
            positive (row i then has index positives + i).
        multiplicities: how often each candidate counts in the denominator, for targets and then candidates; 0 excludes
            the candidate. Numbers of any type.
        row_weights: ``[N]``, a weight for the loss of each row; the mean divides by their sum. Numbers of any type.
        noise_probs: ``[d]``, the noise distribution. Without it the noise is uniform, which changes nothing.
        temperature: a number above 0.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` (``[N]``).
        recognise: whether to search dense probabilities for the compact form: rows in which all but a few classes share
            one value, as MixUp makes them.

    Returns:
        The loss: a scalar, or ``[N]`` with reduction none; float64 for float64 logits, otherwise float32.

    Raises:
        ValueError: shapes or values do not match; the message names the argument.
        IndexError: a class index or positive is out of range.
        TypeError: a type is not supported.
    """
    matrix = as_matrix("logits", logits, "[N, d]")
    label_side = candidates, positives, multiplicities, row_weights, noise_probs
    call = make("soft-target-infonce", matrix.shape[1], targets, *label_side, temperature, reduction, recognise)
    return evaluate(call, matrix, False)[0]


def soft_target_info_nce_and_gradient(
    logits: ArrayLike,
    targets: Targets,
    *,
    candidates: Union[None, Literal["classes"], Targets, Sequence[Targets]] = None,
    positives: Union[None, int, ArrayLike] = None,
    multiplicities: Optional[ArrayLike] = None,
    row_weights: Optional[ArrayLike] = None,
    noise_probs: Optional[ArrayLike] = None,
    temperature: float = 1.0,
    reduction: Reduction = "mean",
    recognise: bool = True,
    upstream: Union[None, float, ArrayLike] = None,
) -> LossAndGradient:
    """Soft target InfoNCE and its gradients, ``dL_i/dlogits_i = (sum_j P_ij W_j - W_p(i)) / temperature``.

    P is the softmax of A over the candidates (Hugger and Uhlmann, arXiv 2404.14076). The arguments and errors are those
    of :func:`soft_target_info_nce`, and one more:

    Args:
        upstream: the gradient with respect to the loss, which multiplies all gradients: a number, or ``[N]`` with
            reduction none. Default: 1.

    Returns:
        The loss, the gradient with respect to the logits ``[N, d]`` (rounded once to their type) and the gradient with
        respect to the temperature.
    """
    matrix = as_matrix("logits", logits, "[N, d]")
    label_side = candidates, positives, multiplicities, row_weights, noise_probs
    call = make("soft-target-infonce", matrix.shape[1], targets, *label_side, temperature, reduction, recognise)
    return LossAndGradient(*evaluate(call, matrix, True, upstream))


def info_nce(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    candidates: Union[None, ArrayLike, Sequence[ArrayLike]] = None,
    positives: Union[None, int, ArrayLike] = None,
    multiplicities: Optional[ArrayLike] = None,
    row_weights: Optional[ArrayLike] = None,
    noise_probs: Optional[ArrayLike] = None,
    temperature: float = 1.0,
    reduction: Reduction = "mean",
) -> Loss:
    """InfoNCE over class indices: soft target InfoNCE of hard labels.

    Equal labels are merged, so it costs as much as cross-entropy with any number of candidates. Targets and candidates
    are class indices ``[M]`` or one-hot rows. The other arguments, the result and the errors are those of
    :func:`soft_target_info_nce`.
    """
    matrix = as_matrix("logits", logits, "[N, d]")
    label_side = candidates, positives, multiplicities, row_weights, noise_probs
    call = make("infonce", matrix.shape[1], targets, *label_side, temperature, reduction)
    return evaluate(call, matrix, False)[0]


def info_nce_and_gradient(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    candidates: Union[None, ArrayLike, Sequence[ArrayLike]] = None,
    positives: Union[None, int, ArrayLike] = None,
    multiplicities: Optional[ArrayLike] = None,
    row_weights: Optional[ArrayLike] = None,
    noise_probs: Optional[ArrayLike] = None,
    temperature: float = 1.0,
    reduction: Reduction = "mean",
    upstream: Union[None, float, ArrayLike] = None,
) -> LossAndGradient:
    """InfoNCE over class indices and its gradients.

    The arguments and errors are those of :func:`info_nce`. ``upstream`` and the result are those of
    :func:`soft_target_info_nce_and_gradient`.
    """
    matrix = as_matrix("logits", logits, "[N, d]")
    label_side = candidates, positives, multiplicities, row_weights, noise_probs
    call = make("infonce", matrix.shape[1], targets, *label_side, temperature, reduction)
    return LossAndGradient(*evaluate(call, matrix, True, upstream))


def soft_target_cross_entropy(
    logits: ArrayLike,
    targets: Targets,
    *,
    row_weights: Optional[ArrayLike] = None,
    temperature: float = 1.0,
    reduction: Reduction = "mean",
    recognise: bool = True,
) -> Loss:
    """Soft target cross-entropy, ``-sum_k W_ik log softmax(logits_i / temperature)_k``.

    Targets are class indices ``[N]``, probabilities ``[N, d]`` or ``MixedTargets``. The arguments, the result and the
    errors are those of :func:`soft_target_info_nce`.
    """
    matrix = as_matrix("logits", logits, "[N, d]")
    label_side = None, None, None, row_weights, None
    call = make("soft-target-cross-entropy", matrix.shape[1], targets, *label_side, temperature, reduction, recognise)
    return evaluate(call, matrix, False)[0]


def soft_target_cross_entropy_and_gradient(
    logits: ArrayLike,
    targets: Targets,
    *,
    row_weights: Optional[ArrayLike] = None,
    temperature: float = 1.0,
    reduction: Reduction = "mean",
    recognise: bool = True,
    upstream: Union[None, float, ArrayLike] = None,
) -> LossAndGradient:
    """Soft target cross-entropy and its gradients, ``(softmax(logits_i / temperature) - W_i) / temperature``.

    The arguments and errors are those of :func:`soft_target_cross_entropy`. ``upstream`` and the result are those of
    :func:`soft_target_info_nce_and_gradient`.
    """
    matrix = as_matrix("logits", logits, "[N, d]")
    label_side = None, None, None, row_weights, None
    call = make("soft-target-cross-entropy", matrix.shape[1], targets, *label_side, temperature, reduction, recognise)
    return LossAndGradient(*evaluate(call, matrix, True, upstream))
