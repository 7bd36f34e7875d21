"""The losses as functions of arrays, each alone and with its gradients."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional, Sequence, Union

from numpy.typing import ArrayLike, NDArray

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

    #: The loss itself, free of the upstream gradient: a scalar of the logits' type, or ``[N]`` under reduction none.
    loss: Loss
    #: ``[N, d]``, in the type of the logits.
    logits_gradient: NDArray[Any]
    #: With respect to the temperature, summed over the rows.
    temperature_gradient: float


def soft_target_info_nce(
    logits: ArrayLike,
    targets: Targets,
    *,
    candidates: Union[None, Targets, Sequence[Targets]] = None,
    positives: Union[None, int, ArrayLike] = None,
    multiplicities: Optional[ArrayLike] = None,
    row_weights: Optional[ArrayLike] = None,
    noise_probs: Optional[ArrayLike] = None,
    temperature: float = 1.0,
    reduction: str = "mean",
    recognise: bool = True,
) -> Loss:
    """Soft target InfoNCE (Hugger and Uhlmann, arXiv 2404.14076).

    With the scores ``S = logits / temperature - log(noise_probs)`` and ``A = S W^T``, one score for each row and
    candidate target, the loss of row i is ``logsumexp_j(A_ij) - A_i,p(i)``, where p(i) is its positive. The posterior
    for prediction is ``softmax(logits / temperature)``.

    Args:
        logits: ``[N, d]``; float16, bfloat16, float32 or float64. Sums are kept in float32 (float64 for float64).
        targets: class indices ``[M]``, probabilities ``[M, d]`` or ``MixedTargets`` of M rows, M >= N. Row i's positive
            is target i.
        candidates: further targets in any form, or a list of several arrays or ``MixedTargets``: a queue's, or drawn
            from the targets' distribution.
        positives: the index ``[N]`` of each row's positive among all candidates, or that of the first row's.
        multiplicities: how often each candidate counts in the denominators, over targets and then candidates; 0 leaves
            it out of them.
        row_weights: ``[N]``, a weight of each row's loss; the mean divides by their sum.
        noise_probs: ``[d]``, the noise distribution; uniform, which changes nothing, where there is none.
        temperature: a number above 0.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` (``[N]``).
        recognise: whether probabilities are searched for rows that hold a few classes off a floor, as MixUp writes
            them.

    Returns:
        The loss: a scalar, or ``[N]`` under reduction none, in the type of the logits.

    Raises:
        ValueError: shapes and values that do not go together; the message names the argument.
        IndexError: a class index or positive out of range.
        TypeError: a type that is not taken.
    """
    matrix = as_matrix("logits", logits, "[N, d]")
    label_side = candidates, positives, multiplicities, row_weights, noise_probs
    call = make("soft-target-infonce", matrix.shape[1], targets, *label_side, temperature, reduction, recognise)
    return evaluate(call, matrix, False)[0]


def soft_target_info_nce_and_gradient(
    logits: ArrayLike,
    targets: Targets,
    *,
    candidates: Union[None, Targets, Sequence[Targets]] = None,
    positives: Union[None, int, ArrayLike] = None,
    multiplicities: Optional[ArrayLike] = None,
    row_weights: Optional[ArrayLike] = None,
    noise_probs: Optional[ArrayLike] = None,
    temperature: float = 1.0,
    reduction: str = "mean",
    recognise: bool = True,
    upstream: Union[None, float, ArrayLike] = None,
) -> LossAndGradient:
    """Soft target InfoNCE and its gradients, ``dL_i/dlogits_i = (sum_j P_ij W_j - W_p(i)) / temperature``.

    P is the softmax of A over the candidates (Hugger and Uhlmann, arXiv 2404.14076). The arguments and errors are those
    of :func:`soft_target_info_nce`, besides

    Args:
        upstream: the gradient of what comes after the loss, which multiplies the gradients: a number, or ``[N]`` under
            reduction none; 1 where there is none.

    Returns:
        The loss, the gradient with respect to the logits ``[N, d]``, rounded once to their type, and that with respect
        to the temperature.
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
    reduction: str = "mean",
) -> Loss:
    """InfoNCE over class indices: soft target InfoNCE of hard labels.

    Equal labels are merged, so that it costs what cross-entropy does, however many candidates there are. Targets and
    candidates are class indices ``[M]``; the other arguments, the result and the errors are those of
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
    reduction: str = "mean",
    upstream: Union[None, float, ArrayLike] = None,
) -> LossAndGradient:
    """InfoNCE over class indices and its gradients.

    The arguments and errors are those of :func:`info_nce`; ``upstream`` and the result those of
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
    reduction: str = "mean",
    recognise: bool = True,
) -> Loss:
    """Soft target cross-entropy, ``-sum_k W_ik log softmax(logits_i / temperature)_k``.

    Targets are class indices ``[N]``, probabilities ``[N, d]`` or ``MixedTargets``; the arguments, the result and the
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
    reduction: str = "mean",
    recognise: bool = True,
    upstream: Union[None, float, ArrayLike] = None,
) -> LossAndGradient:
    """Soft target cross-entropy and its gradients, ``(softmax(logits_i / temperature) - W_i) / temperature``.

    The arguments and errors are those of :func:`soft_target_cross_entropy`; ``upstream`` and the result those of
    :func:`soft_target_info_nce_and_gradient`.
    """
    matrix = as_matrix("logits", logits, "[N, d]")
    label_side = None, None, None, row_weights, None
    call = make("soft-target-cross-entropy", matrix.shape[1], targets, *label_side, temperature, reduction, recognise)
    return LossAndGradient(*evaluate(call, matrix, True, upstream))
