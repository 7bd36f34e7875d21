"""The losses as modules that replace ``torch.nn.CrossEntropyLoss`` and timm's ``SoftTargetCrossEntropy``."""

from __future__ import annotations

import math
from typing import Any, Dict, Literal, NoReturn, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor, nn

from softnce._choices import Backend, Checks, Reduction
from softnce._settings import choice, flag, number, optional_integer, share
from softnce.torch import _autograd, _call, _direct, _distributed, classes
from softnce.torch._averaged import averaged
from softnce.torch._buffers import WideBuffers
from softnce.torch._call import BACKENDS, CHECKS, REDUCTIONS, Call, Targets
from softnce.torch._differentiable import transformed
from softnce.torch._memory import resolved
from softnce.torch._noise import distribution
from softnce.torch._readings import READING, refuse_embeddings, refuse_others
from softnce.torch._repeats import Record
from softnce.torch._shaped import Shaping, shaped
from softnce.torch._shapes import is_flat
from softnce.torch._temperature import Learned, tau
from softnce.torch._triton import flags
from softnce.torch.classes import ClassCandidates
from softnce.torch.functional import check_logits, soft_target_cross_entropy, soft_target_info_nce
from softnce.torch.queue import Past, TargetQueue

__all__ = ["InfoNCE", "SoftTargetCrossEntropy", "SoftTargetInfoNCE"]


def _checked_temperature(temperature: Any) -> float:
    if isinstance(temperature, (Tensor, list, tuple)) and torch.as_tensor(temperature).numel() != 1:
        message = "expected a number: settings come first, and all but temperature and reduction go by name"
        raise TypeError(f"temperature is of type {type(temperature).__name__}, {message}")
    value = number("temperature", temperature)
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"temperature is {value}, expected a finite number above 0")
    return value


class _Loss(WideBuffers):
    """The part that all losses share: temperature and reduction."""

    def __init__(
        self,
        temperature: float,
        reduction: Reduction,
        learn_temperature: bool,
        process_group: Any,
        backend: Backend,
        check_values: Checks,
    ) -> None:
        super().__init__()
        temperature = _checked_temperature(temperature)
        choice("reduction", reduction, REDUCTIONS)
        choice("backend", backend, BACKENDS)
        if check_values not in CHECKS:
            raise ValueError(f'check_values is {check_values!r}, expected True, False or "now"')
        self.log_temperature: Optional[nn.Parameter] = None
        if flag("learn_temperature", learn_temperature):
            # The parameter is the logarithm, so the temperature stays above 0 after any step. It is a vector because
            # FSDP does not shard scalars.
            self.log_temperature = nn.Parameter(torch.tensor([math.log(temperature)]))
        self._temperature = temperature
        self.process_group = process_group
        self.reduction: Reduction = reduction
        self.backend: Backend = backend
        self.check_values = check_values

    def reset_parameters(self) -> None:
        """Sets a learned temperature to its initial value."""
        if self.log_temperature is not None:
            nn.init.constant_(self.log_temperature, math.log(self._temperature))

    @property
    def temperature(self) -> Tensor:
        """The temperature, a tensor with one number."""
        if self.log_temperature is None:
            return torch.tensor(self._temperature)
        return Learned(resolved(self.log_temperature), True).value()

    @temperature.setter
    def temperature(self, temperature: float) -> None:
        value = _checked_temperature(temperature)
        if self.log_temperature is None:
            self._temperature = value
        else:
            with torch.no_grad():
                self.log_temperature.fill_(math.log(value))

    def posterior(self, logits: Tensor) -> Tensor:
        """The class probabilities for prediction, ``softmax(logits / temperature)``, ``[..., d]``.

        They are float64 for float64 logits, otherwise float32: half precision would round every probability near 1.
        """
        sums = _call.wide(logits.dtype)
        temperature: Union[float, Tensor] = self._temperature
        if self.log_temperature is not None:
            temperature = self.temperature.to(logits.device, sums)
        return torch.softmax(logits.to(sums) / temperature, dim=-1)

    def check(self) -> None:
        """Waits for the devices, and raises the error of an earlier call that a device has found since.

        Triton kernels check values without a wait: see ``check_values`` of
        :func:`softnce.torch.soft_target_info_nce`. Call this where an error must not stay unseen: before a checkpoint
        is written, after the last step, after the replay of a CUDA graph. On the CPU there is nothing to wait for.

        Raises:
            ValueError: a value was bad; the message names the argument.
            IndexError: a class index or positive was out of range.
        """
        flags.check()

    def _tau(self, device: torch.device) -> Any:
        """The temperature of a call with logits on a device, as :func:`softnce.torch._temperature.tau` takes it."""
        if self.log_temperature is None:
            return self._temperature
        log, group = resolved(self.log_temperature), ""
        # Under torch.func nothing is averaged, neither by us nor by DistributedDataParallel.
        if self._training() and not transformed():
            group = _distributed.group_name(self.process_group)
        return Learned(averaged(log, group, device) if group else log, True)

    def _training(self) -> bool:
        return self.training and torch.is_grad_enabled()

    def _load_from_state_dict(self, state_dict: Dict[str, Any], prefix: str, *rest: Any) -> None:
        # Earlier revisions stored a scalar.
        name = prefix + "log_temperature"
        if name in state_dict and self.log_temperature is not None and state_dict[name].dim() == 0:
            state_dict[name] = state_dict[name].reshape(1)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def extra_repr(self) -> str:
        """The text in ``repr``."""
        temperature = self.temperature
        shown = "learned" if temperature.is_meta else f"{temperature.item():g}"
        return f"temperature={shown}, reduction={self.reduction!r}"


class Contrastive(_Loss):
    """The part that the contrastive losses share: noise distribution, workers and queue."""

    noise_probs: Optional[Tensor]
    _kind = "soft-target-infonce"

    def __init__(
        self,
        temperature: float = 1.0,
        reduction: Reduction = "mean",
        *,
        noise_probs: Any = None,
        noise_counts: Any = None,
        noise_smoothing: float = 1.0,
        alpha: float = 1.0,
        learn_temperature: bool = False,
        gather: bool = True,
        process_group: Any = None,
        queue: Optional[TargetQueue] = None,
        candidates: Union[None, Literal["classes"], ClassCandidates] = None,
        dim: Optional[int] = None,
        ignore_index: Optional[int] = None,
        backend: Backend = "auto",
        recognise: bool = True,
        check_values: Checks = True,
    ) -> None:
        super().__init__(temperature, reduction, learn_temperature, process_group, backend, check_values)
        self.register_buffer("noise_probs", distribution(noise_probs, noise_counts, noise_smoothing, alpha))
        if not (queue is None or isinstance(queue, TargetQueue)):
            raise TypeError(f"queue is of type {type(queue).__name__}, expected a TargetQueue")
        self.candidates = classes.of(candidates)
        if self.candidates is None and candidates is not None:
            message = f'candidates is of type {type(candidates).__name__}, expected "classes" or ClassCandidates'
            raise TypeError(f"{message} (pass targets with each call)")
        if self.candidates is not None and queue is not None:
            raise ValueError("candidates and queue are both given, expected one of them")
        if self.candidates is not None and self._kind in _call.HARD:
            message = f"candidates is {self.candidates!r}, expected None: the loss takes hard labels"
            raise ValueError(f"{message}, for which cross-entropy is the same")
        self.gather = flag("gather", gather)
        self.recognise = flag("recognise", recognise)
        self.dim, self.ignore_index = optional_integer("dim", dim), optional_integer("ignore_index", ignore_index)
        self.queue = queue

    def _prepare(
        self,
        rows: int,
        num_classes: int,
        device: torch.device,
        targets: Any,
        *,
        alone: bool = False,
        reduction: Optional[str] = None,
        **options: Any,
    ) -> Tuple[Call, Optional[Learned]]:
        """The call with the candidates of the queue, and the temperature if it is learned; ``alone``: without the
        targets of other workers."""
        # Evaluation often runs on one worker only, which would wait for the others forever.
        gather = self.gather and self._training() and not alone
        temperature, learned = tau(self._tau(device), device)
        noise = self.noise_probs
        if noise is not None and device.type == "meta":
            noise = noise.to(device)
        call = _call.make(
            self._kind,
            num_classes,
            device,
            targets,
            noise_probs=noise,
            temperature=temperature,
            reduction=self.reduction if reduction is None else reduction,
            group=_distributed.group_name(self.process_group) if gather else "",
            backend=self.backend,
            recognise=self.recognise,
            check_values=self.check_values,
            **options,
        )
        # Every look at a submodule takes a microsecond.
        queue = self.queue
        if queue is None:
            return call, learned
        if queue.num_classes != num_classes:
            message = f"queue keeps targets over {queue.num_classes} classes"
            raise ValueError(f"{message}, expected {num_classes}, as the logits have")
        if queue.classes.device != device:
            raise ValueError(f"queue is on {queue.classes.device}, expected {device}, as the logits")
        if call.group:
            # The targets of all workers enter the queue, so that it is the same on every worker.
            call = _distributed.gather(call, rows, num_classes)
        own = queue.compact(call.segments[0])
        past = queue.candidates(targets, own, self._keeps_candidates())
        return call.over((own, *call.segments[1:], past)), learned

    def _fill(self, call: Call, targets: Targets) -> Optional[Record]:
        """Adds the targets of the call to the queue."""
        queue = self.queue
        if queue is not None and self._training() and not transformed():
            return queue.add_call(targets, call.segments[0], call.segments[-1])
        return None

    def _keeps_candidates(self) -> bool:
        """Whether a backward pass reads the candidates again, which the queue has changed by then."""
        return self.backend == "triton"

    def _alone(self) -> bool:
        """Whether a call now gathers no targets of other workers."""
        return not (self.gather and self._training() and _distributed.group_name(self.process_group))

    def extra_repr(self) -> str:
        """The text in ``repr``."""
        noise = "uniform" if self.noise_probs is None else f"over {self.noise_probs.shape[0]} classes"
        candidates = "" if self.candidates is None else f", candidates={self.candidates!r}"
        return f"{super().extra_repr()}, noise={noise}, gather={self.gather}{candidates}"


class SoftTargetInfoNCE(Contrastive):
    """Soft target InfoNCE (Hugger and Uhlmann, arXiv 2404.14076), which replaces soft target cross-entropy.

    ``criterion(logits, targets)``: the logits are ``[N, d]``. The targets are class indices, probabilities (as timm's
    Mixup makes them; their compact form is found) or ``MixedTargets``. All targets of the batch are candidates for
    every row. Do not compare values of the loss at different numbers of candidates. For prediction use
    :meth:`posterior`, ``softmax(logits / temperature)``.

    In all modules ``temperature`` and ``reduction`` may be given by position, and all other settings by name; in calls
    ``logits`` and ``targets``.

    Args:
        temperature: divides the logits; above 0.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        noise_probs: the noise distribution over the classes, ``[d]``; default: uniform.
        noise_counts: class counts of the training set, ``[d]``, instead of ``noise_probs``.
        noise_smoothing: added to each count, so that no class has probability 0.
        alpha: power applied to the noise distribution. With class frequencies and hard labels, alpha 1 gives gradients
            like those of cross-entropy, and alpha 0 like those of balanced softmax.
        learn_temperature: makes the temperature a parameter (``log_temperature``); pass it to the optimiser.
        gather: whether the targets of all workers are candidates. This applies if ``torch.distributed`` runs with
            several workers and the module is in training mode with gradients enabled. Every worker must then call the
            module the same number of times.
        process_group: the process group whose targets are gathered, and over which the gradient of a learned
            temperature is averaged (also without ``gather``); by default all workers.
        queue: past targets as additional candidates.
        candidates: ``"classes"`` or :class:`ClassCandidates`: classes in place of the targets, for targets that are
            distributions to be matched, such as a teacher's probabilities. With ``gather`` and reduction ``"mean"``
            the workers then exchange only their numbers of rows, or the sums of the row weights.
        dim, ignore_index: see :func:`softnce.torch.soft_target_info_nce`.
        backend, recognise, check_values: see :func:`softnce.torch.soft_target_info_nce`.

    Raises:
        ValueError: a setting is out of its range; the message names it.
        TypeError: a setting is of a wrong type; the message names it.
    """

    def forward(
        self,
        logits: Tensor,
        targets: Targets,
        *others: NoReturn,
        candidates: Union[None, Targets, Sequence[Targets]] = None,
        positives: Union[None, int, Tensor] = None,
        multiplicities: Optional[Tensor] = None,
        row_weights: Optional[Tensor] = None,
    ) -> Tensor:
        """The loss of logits ``[N, d]``; see :func:`softnce.torch.soft_target_info_nce` for the arguments and
        errors."""
        if others:
            refuse_others(others)
        if candidates is positives is multiplicities is row_weights is None:
            loss = self._direct(logits, targets)
            if loss is not None:
                return loss
        options = {
            "candidates": candidates,
            "positives": positives,
            "multiplicities": multiplicities,
            "row_weights": row_weights,
        }
        logits = check_logits(logits)
        if self.candidates is not None:
            return self._over_classes(logits, targets, options)
        if is_flat(logits, self.dim) and self.ignore_index is None:
            return self._rows(logits, targets, targets, options)
        queued, gathers = self.queue is not None, not self._alone()
        temperature = self._tau(logits.device)
        shaping = Shaping(
            self.dim, self.ignore_index, self.reduction, queued=queued, gathers=gathers, temperature=temperature
        )

        def rows(flat: Tensor, flat_targets: Any, **options: Any) -> Tensor:
            return self._rows(flat, flat_targets, targets, options)

        return shaped(rows, logits, targets, options, shaping)

    def _over_classes(self, logits: Tensor, targets: Any, options: Dict[str, Any]) -> Tensor:
        """The loss with classes as candidates."""
        if options["candidates"] is not None:
            raise ValueError(f"candidates is given, and the loss has {self.candidates!r}; expected one of them")
        noise = self.noise_probs
        if noise is not None and logits.is_meta:
            noise = noise.to(logits.device)
        return soft_target_info_nce(
            logits,
            targets,
            **{**options, "candidates": self.candidates},
            noise_probs=noise,
            temperature=self._tau(logits.device),
            reduction=self.reduction,
            dim=self.dim,
            ignore_index=self.ignore_index,
            gather=self.gather and self._training(),
            process_group=self.process_group,
            backend=self.backend,
            recognise=self.recognise,
            check_values=self.check_values,
        )

    def _direct(self, logits: Tensor, targets: Any) -> Optional[Tensor]:
        """The loss of a call that needs none of what the general path is for."""
        if self.candidates is not None or self.queue is not None or self.ignore_index is not None or not self._alone():
            return None
        temperature = self._temperature if self.log_temperature is None else self._tau(torch.device("cpu"))
        noise, dim, checks = self._buffers["noise_probs"], self.dim, self.check_values
        settings = _direct.Settings(
            self._kind, temperature, noise, self.reduction, dim, self.backend, self.recognise, checks
        )
        return _direct.loss(settings, logits, targets)

    def _rows(self, logits: Tensor, targets: Any, given: Targets, options: Dict[str, Any]) -> Tensor:
        """The loss of logits ``[N, d]``; ``given`` are the targets as the caller passed them, whose identity tells
        whether the call repeats an earlier one."""
        call, learned = self._prepare(logits.shape[0], logits.shape[1], logits.device, targets, **options)
        queue, past = self.queue, None
        if queue is not None and not torch.compiler.is_compiling():
            past = Past(queue, call.segments[-1])
        loss = _autograd.apply(call, logits, learned, past)
        record = self._fill(call, given)
        if past is not None:
            past.record = record
        return loss


class InfoNCE(SoftTargetInfoNCE):
    """InfoNCE over class indices: :class:`SoftTargetInfoNCE` for hard labels, at the cost of cross-entropy.

    ``criterion(logits, labels)``: logits ``[N, d]``; labels and other candidates are class indices or one-hot rows. The
    arguments are those of :class:`SoftTargetInfoNCE`; errors are those of :func:`softnce.torch.info_nce`.

    It classifies. In other libraries the name stands for a loss of embeddings: pytorch-metric-learning's takes
    ``(embeddings, labels)``, lightly's two views of a batch. The first call refuses arguments that look like these:
    rows of length 1 as logits, a second batch of vectors as targets.
    """

    _kind = "infonce"
    _looked = False

    def forward(self, logits: Tensor, targets: Targets, *others: NoReturn, **options: Any) -> Tensor:
        """The loss of logits ``[N, d]``; see :func:`softnce.torch.info_nce` for the arguments and errors."""
        if others:
            refuse_others(others)
        if self._looked or torch.compiler.is_compiling() or transformed():
            return super().forward(logits, targets, **options)
        if self.check_values:
            refuse_embeddings(logits, targets)
        try:
            loss = super().forward(logits, targets, **options)
        except IndexError as error:
            raise IndexError(f"{error}; {READING}") from None
        self._looked = True
        return loss


class SoftTargetCrossEntropy(_Loss):
    """Soft target cross-entropy like timm's, with temperature, reductions and targets in every form.

    ``criterion(logits, targets)``: logits ``[N, d]``; targets: class indices, probabilities or ``MixedTargets``.

    Args:
        temperature: divides the logits; above 0.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        learn_temperature: makes the temperature a parameter (``log_temperature``); pass it to the optimiser.
        process_group: the process group over which the gradient of a learned temperature is averaged; by default all
            workers.
        dim, ignore_index, weight, label_smoothing: see :func:`softnce.torch.soft_target_cross_entropy`.
        backend, recognise, check_values: see :func:`softnce.torch.soft_target_info_nce`.
    """

    weight: Optional[Tensor]

    def __init__(
        self,
        temperature: float = 1.0,
        reduction: Reduction = "mean",
        *,
        learn_temperature: bool = False,
        process_group: Any = None,
        dim: Optional[int] = None,
        ignore_index: Optional[int] = None,
        weight: Optional[Tensor] = None,
        label_smoothing: float = 0.0,
        backend: Backend = "auto",
        recognise: bool = True,
        check_values: Checks = True,
    ) -> None:
        super().__init__(temperature, reduction, learn_temperature, process_group, backend, check_values)
        self.recognise = flag("recognise", recognise)
        self.dim, self.ignore_index = optional_integer("dim", dim), optional_integer("ignore_index", ignore_index)
        self.label_smoothing = share("label_smoothing", label_smoothing)
        self.register_buffer("weight", weight)

    def forward(
        self, logits: Tensor, targets: Targets, *others: NoReturn, row_weights: Optional[Tensor] = None
    ) -> Tensor:
        """The loss of logits ``[N, d]``; see :func:`softnce.torch.soft_target_cross_entropy`."""
        if others:
            refuse_others(others)
        logits = check_logits(logits)
        return soft_target_cross_entropy(
            logits,
            targets,
            row_weights=row_weights,
            temperature=self._tau(logits.device),
            reduction=self.reduction,
            dim=self.dim,
            ignore_index=self.ignore_index,
            weight=self.weight,
            label_smoothing=self.label_smoothing,
            backend=self.backend,
            recognise=self.recognise,
            check_values=self.check_values,
        )
