"""The losses as functions."""

from __future__ import annotations

from typing import Any, Dict, Literal, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from softnce._choices import Backend, Checks, Reduction
from softnce._settings import share
from softnce.torch import _autograd, _call, _direct, _distributed, classes
from softnce.torch._averaged import averaged
from softnce.torch._call import Call, Targets, segment_of
from softnce.torch._class_weights import check_weight, smooth, weigh
from softnce.torch._differentiable import transformed
from softnce.torch._ignored import guarded, settle
from softnce.torch._memory import FLOATS, resolved
from softnce.torch._shaped import Shaping, nothing, shaped
from softnce.torch._temperature import Learned, tau
from softnce.torch._tensor import row_factors
from softnce.torch.classes import ClassCandidates

_CROSS_ENTROPY = "soft-target-cross-entropy"
#: The arguments that have entries for rows and candidates.
_SHAPED = ("candidates", "positives", "multiplicities", "row_weights")

__all__ = ["info_nce", "soft_target_cross_entropy", "soft_target_info_nce"]


def soft_target_info_nce(
    logits: Tensor,
    targets: Targets,
    *,
    candidates: Union[None, Literal["classes"], ClassCandidates, Targets, Sequence[Targets]] = None,
    positives: Union[None, int, Tensor] = None,
    multiplicities: Optional[Tensor] = None,
    row_weights: Optional[Tensor] = None,
    noise_probs: Optional[Tensor] = None,
    temperature: Union[float, Tensor] = 1.0,
    reduction: Reduction = "mean",
    dim: Optional[int] = None,
    ignore_index: Optional[int] = None,
    gather: bool = False,
    process_group: Any = None,
    backend: Backend = "auto",
    recognise: bool = True,
    check_values: Checks = True,
) -> Tensor:
    """Soft target InfoNCE (Hugger and Uhlmann, arXiv 2404.14076).

    The scores of the classes are ``S = logits / temperature - log(noise_probs)``. ``A = S W^T`` has one score for each
    row and candidate target. The loss of row i is ``logsumexp_j(A_ij) - A_i,p(i)``, where p(i) is its positive. The
    posterior for prediction is ``softmax(logits / temperature)``. Targets carry no gradient.

    Second derivatives (``create_graph=True``), forward-mode AD and the transforms of ``torch.func`` are computed by
    PyTorch operations, which hold all N x M scores. Under ``torch.func.vmap`` values cannot be checked.

    Args:
        logits: ``[N, d]``; float16, bfloat16, float32 or float64. Sums are kept in float32 (float64 for float64).
        targets: class indices ``[M]``, probabilities ``[M, d]`` or ``MixedTargets`` of M rows. Row i's positive is
            target i, so that M >= N, unless ``positives`` names them.
        candidates: additional candidates: targets in any form, or a list of them. They may come from a queue or be
            drawn from the distribution of the targets. ``"classes"`` or :class:`ClassCandidates` put classes in place
            of the targets, for targets that are distributions to be matched; no targets are then gathered.
        positives: the index ``[N]`` of each row's positive among all candidates, or the index of the first row's
            positive (row i then has index positives + i).
        multiplicities: how often each candidate counts in the denominator, for targets and then candidates; 0 excludes
            the candidate. Numbers of any type.
        row_weights: ``[N]``, a weight for the loss of each row; the mean divides by their sum. Numbers of any type.
        noise_probs: ``[d]``, the noise distribution. Without it the noise is uniform, which changes nothing.
        temperature: a number above 0, or a tensor with one number, which may require a gradient. With ``gather`` that
            gradient is averaged over the workers.
        reduction: ``"mean"``, ``"sum"`` or ``"none"`` (``[N]``).
        dim: the dimension of the classes, if logits have another shape than ``[N, d]``: 1 for ``[N, d, H, W]``, as
            ``torch.nn.CrossEntropyLoss`` takes them, and -1 for ``[B, T, d]``, as timm's losses do. Every position is a
            row. Class indices and row weights then have the shape of the logits without this dimension, probabilities
            the shape of the logits, and ``MixedTargets`` a row for each position, in their order; so does the loss with
            reduction none.
        ignore_index: class indices with this value do not count: neither as rows nor as candidates. Default: none.
        gather: whether the targets of all workers of ``process_group`` are candidates. With reduction ``"mean"``,
            averaging over workers, as DistributedDataParallel does, then gives the result of one process over all rows,
            also if the workers have different numbers of rows.
        process_group: the process group; by default all workers.
        backend: ``"kernel"`` (Rust, CPU), ``"triton"`` (CUDA and ROCm, where the package triton is installed),
            ``"tensor"`` (PyTorch operations, any device) or ``"auto"``: the first of these that is available.
        recognise: whether to search dense probabilities for the compact form: rows in which all but a few classes share
            one value, as MixUp makes them.
        check_values: what to do about values that are not finite, labels out of range and rows that are not
            distributions. The kernels of the CPU always raise at once. Triton kernels do not wait for the device: with
            True, the loss and the gradients of a bad batch are NaN, so that ``torch.amp.GradScaler`` skips the step,
            and a later call raises the error: the first that starts after the device has finished the bad one, usually
            the next. ``check()`` of the modules waits for the device and raises it. Replays of a CUDA graph make no
            call; their loss is NaN as well, and ``check()`` raises. With ``"now"`` the call waits and raises itself,
            and the message names the entry. False skips the checks. Tensor operations wait once, with True and
            ``"now"``.

    Returns:
        The loss: ``[]``, or ``[N]`` with reduction none; float64 for float64 logits, otherwise float32. Without rows,
        or if all are ignored, the mean is NaN and the sum 0, as in PyTorch.

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
        dim=dim,
        ignore_index=ignore_index,
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
    dim: Optional[int] = None,
    ignore_index: Optional[int] = None,
    gather: bool = False,
    process_group: Any = None,
    backend: Backend = "auto",
    check_values: Checks = True,
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
        dim=dim,
        ignore_index=ignore_index,
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
    dim: Optional[int] = None,
    ignore_index: Optional[int] = None,
    weight: Optional[Tensor] = None,
    label_smoothing: float = 0.0,
    backend: Backend = "auto",
    recognise: bool = True,
    check_values: Checks = True,
) -> Tensor:
    """Soft target cross-entropy, ``-sum_k W_ik log softmax(logits_i / temperature)_k``.

    Targets are class indices ``[N]``, probabilities ``[N, d]`` or ``MixedTargets``. The arguments, the result and the
    errors are those of ``soft_target_info_nce``, and two more, with the meaning that they have in
    ``torch.nn.CrossEntropyLoss``:

    Args:
        weight: ``[d]``, floats not below 0, the weights of the classes. With labels the mean divides by the weights of
            the labels.
        label_smoothing: the share of every target that is spread evenly over all classes, from 0 to 1.
    """
    if weight is None and row_weights is None and ignore_index is None and _is_zero(label_smoothing):
        choices = _direct.Settings(_CROSS_ENTROPY, temperature, None, reduction, dim, backend, recognise, check_values)
        direct = _direct.loss(choices, logits, targets)
        if direct is not None:
            return direct
    logits = check_logits(logits)
    smoothing = share("label_smoothing", label_smoothing)
    settings: Dict[str, Any] = {
        "temperature": temperature,
        "backend": backend,
        "recognise": recognise,
        "check_values": check_values,
    }

    def rows(logits: Tensor, targets: Any, **options: Any) -> Tensor:
        classes = logits.shape[1]
        if weight is None:
            return _rows(_CROSS_ENTROPY, logits, smooth(targets, smoothing, classes), reduction, **options, **settings)
        segment_of("targets", targets, classes, logits.device)
        weights = check_weight(weight, classes, logits.device)
        made = weigh(targets, smoothing, weights, options, classes)
        some, counted = guarded(made.row_weights)
        kind = "none" if reduction == "none" else "sum"
        counts, divisor = guarded(made.divisor)
        if reduction == "mean":
            # Before the sum, which would overflow with large weights.
            counted = counted / divisor.to(counted.dtype)
        loss = _rows(_CROSS_ENTROPY, logits, made.targets, kind, **{**options, "row_weights": counted}, **settings)
        loss = settle(loss, some, kind)
        if reduction == "mean":
            loss = settle(loss, counts, reduction)
        return loss

    shaping = Shaping(dim, ignore_index, reduction, contrastive=False, temperature=temperature)
    return shaped(rows, logits, targets, {"row_weights": row_weights}, shaping)


def _is_zero(smoothing: Any) -> bool:
    return type(smoothing) is float and smoothing == 0.0


def _loss(
    kind: str,
    logits: Tensor,
    targets: Any,
    temperature: Union[float, Tensor],
    *,
    reduction: str,
    dim: Optional[int],
    ignore_index: Optional[int],
    gather: bool,
    process_group: Any,
    **arguments: Any,
) -> Tensor:
    if ignore_index is None and not gather and all([arguments[name] is None for name in _SHAPED]):
        noise, backend, checks = arguments["noise_probs"], arguments["backend"], arguments["check_values"]
        recognise = arguments.get("recognise", True)
        choices = _direct.Settings(kind, temperature, noise, reduction, dim, backend, recognise, checks)
        direct = _direct.loss(choices, logits, targets)
        if direct is not None:
            return direct
    logits = check_logits(logits)
    group = _distributed.group_name(process_group) if gather else ""
    # Under torch.func nothing is averaged, neither by us nor by DistributedDataParallel.
    if group and isinstance(temperature, Tensor) and temperature.requires_grad and not transformed():
        temperature = averaged(temperature, group, logits.device)
    over_classes = classes.of(arguments["candidates"]) if kind == "soft-target-infonce" else None
    if over_classes is not None:
        shape = Shaping(dim, ignore_index, reduction, contrastive=False, temperature=temperature)
        return _over_classes(over_classes, logits, targets, group, shape, arguments)
    settings: Dict[str, Any] = {"temperature": temperature, "group": group, **arguments}
    shaping = Shaping(dim, ignore_index, reduction, gathers=bool(group), temperature=temperature)

    def rows(logits: Tensor, targets: Any, **options: Any) -> Tensor:
        return _rows(kind, logits, targets, reduction, **options, **settings)

    return shaped(rows, logits, targets, {name: settings.pop(name) for name in _SHAPED}, shaping)


def _over_classes(
    over: ClassCandidates,
    logits: Tensor,
    targets: Any,
    group: str,
    shaping: Shaping,
    arguments: Dict[str, Any],
) -> Tensor:
    """Soft target InfoNCE with classes as candidates. Of the other workers only the mean needs something: the number of
    their rows."""
    classes.refuse_others(arguments)
    settings = {name: arguments[name] for name in ("backend", "recognise", "check_values", "noise_probs")}
    settings["temperature"] = shaping.temperature
    noise, gathers = arguments["noise_probs"], bool(group) and shaping.reduction == "mean"

    def local(logits: Tensor, targets: Any, reduction: str, row_weights: Optional[Tensor] = None) -> Tensor:
        num_classes = logits.shape[1]
        own = segment_of("targets", targets, num_classes, logits.device)
        if noise is not None:
            _call.check_noise(noise, num_classes, logits.device)
        options = {**settings, "row_weights": row_weights}
        if over.count is not None:
            drawn = classes.draw(over.count, own, noise, num_classes)._asdict()
            return _rows("soft-target-infonce", logits, targets, reduction, **drawn, **options)
        call, learned = _made(_CROSS_ENTROPY, logits, targets, reduction, **options)
        loss = _autograd.apply(call, logits, learned)
        above = classes.constants(own, call.noise, num_classes, logits.shape[0])
        above = above * row_factors(call, logits, above.dtype)
        return loss + (above if reduction == "none" else above.sum()).to(loss.dtype)

    def rows(logits: Tensor, targets: Any, row_weights: Optional[Tensor] = None) -> Tensor:
        if not gathers:
            return local(logits, targets, shaping.reduction, row_weights)
        parts = _distributed.parts_of_mean(logits.shape[0], row_weights, group, logits.device)
        if logits.shape[0] == 0:
            # With a term of 0 that keeps the compiler from removing what the other workers wait for.
            return nothing(logits, targets, "sum", shaping.temperature) + parts.sum().to(logits.dtype)
        return local(logits, targets, "sum", parts)

    options = {"row_weights": arguments["row_weights"]}
    return shaped(rows, logits, targets, options, shaping._replace(gathers=gathers))


def _rows(
    kind: str, logits: Tensor, targets: Any, reduction: str, temperature: Union[float, Tensor], **arguments: Any
) -> Tensor:
    """The loss of logits ``[N, d]``."""
    call, learned = _made(kind, logits, targets, reduction, temperature, **arguments)
    return _autograd.apply(call, logits, learned)


def _made(
    kind: str, logits: Tensor, targets: Any, reduction: str, temperature: Union[float, Tensor], **arguments: Any
) -> Tuple[Call, Optional[Learned]]:
    """The call over logits ``[N, d]``, and the temperature if it is a tensor."""
    fixed, learned = tau(temperature, logits.device)
    arguments = {**arguments, "reduction": reduction, "temperature": fixed}
    return _call.make(kind, logits.shape[1], logits.device, targets, **arguments), learned


def check_logits(logits: Any) -> Tensor:
    """Checks that the logits are a tensor of floats."""
    if not isinstance(logits, Tensor):
        raise TypeError(f"logits is of type {type(logits).__name__}, expected a tensor")
    if logits.dtype not in FLOATS:
        raise TypeError(f"logits has dtype {logits.dtype}, expected float16, bfloat16, float32 or float64")
    if logits.dim() == 0:
        raise ValueError("logits has shape [], expected [N, d]")
    if logits.layout is not torch.strided:
        raise TypeError(f"logits has layout {logits.layout}, expected a strided tensor")
    return resolved(logits)
