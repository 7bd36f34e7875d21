"""A linear head for any number of classes: the loss from features and weights, without materialising the logits.

Only the classes that occur among the candidates are computed, so a step costs the same for ten thousand classes as for
ten million. The gradient of the weight matrix is sparse.
"""

from __future__ import annotations

import math
import os
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union, cast

import torch
from torch import Tensor, nn

from softnce._settings import flag, integer, number
from softnce.optim._registry import before_reading, optimizer_of
from softnce.torch import _autograd, _distributed, _head, _head_operation, _mapped, classes
from softnce.torch._call import Call, Segment, Targets, segment_of, tensors, wide
from softnce.torch._differentiable import transformed
from softnce.torch._listing import listed, shares
from softnce.torch._memory import resolved
from softnce.torch._tracing import untraced
from softnce.torch.modules import Contrastive
from softnce.torch.targets import MixedTargets

__all__ = ["InfoNCEHead", "TopK"]

#: The options of the other losses that a head does not have, and why.
_WITHOUT = {
    "dim": "a head takes features [N, D]",
    "ignore_index": "a head counts every row (leave out the rows before the call)",
}
_STD = 2e-5
#: Logits that prediction holds at once.
_LOGITS = 1 << 22


class TopK(NamedTuple):
    """The classes with the largest logits of each row, in descending order."""

    #: The logits, ``[N, k]``.
    values: Tensor
    #: The classes, ``[N, k]``.
    indices: Tensor


class InfoNCEHead(Contrastive):
    """Linear head and soft target InfoNCE in one: ``loss = head(features, targets)``.

    Only :meth:`logits` computes the logits ``features @ weight.T + bias``. The weight matrix (and the bias) is stored
    as ``torch.nn.Embedding``. Their gradients are sparse tensors with the rows of the classes used.
    ``torch.optim.SGD``, ``SparseAdam`` and ``Adagrad`` accept them (without weight decay) and change only these rows;
    ``DistributedDataParallel`` reduces them. With ``sparse=False`` the gradients are dense, as those of
    ``nn.Embedding``: for any optimiser, such as AdamW, and for ``torch.compile`` without graph breaks. The transforms
    of ``torch.func`` and forward-mode AD materialise the logits.

    Targets are class indices, ``MixedTargets``, or probabilities in which the compact form of ``MixedTargets`` is
    found. Their uniform shares must be equal (the same label smoothing in every row): only then do the shares cancel,
    so that the other classes do not contribute. With at most 64 classes, targets may be any distributions. Finding the
    compact form of probabilities waits for the device; pass ``MixedTargets`` where that matters.

    The optimisers of ``softnce.optim`` equal ``SGD`` and ``AdamW`` with dense gradients, weight decay included, and
    touch only the rows used. The head asks them for rows that are up to date. ``weight`` and ``bias`` are as they lie
    in memory: call ``optimizer.catch_up()`` before reading or saving them.

    With ``candidates=ClassCandidates(count)`` the candidates are classes drawn from the noise distribution, in place of
    the targets: sampled softmax with soft targets, corrected, for targets that are distributions to be matched. A call
    then computes the classes that are drawn or in a target, and a draw takes O(log d) time. Targets must have no
    uniform share (no label smoothing), which would need every class. With ``gather`` the workers exchange only their
    numbers of rows, and each draws its own classes.

    Args:
        in_features: the number of features D.
        num_classes: the number of classes d.
        bias: whether to add a bias.
        sparse: whether the gradients of weight and bias are sparse.
        init_std: standard deviation of the initial weights. Default: 2e-5, as in the paper, or 0 in a new
            ``weight_file``, which then takes disk space only for the rows that are trained.
        normalize: whether features and class rows are divided by their norms, so that logits are cosines; rows of zeros
            stay zero. Choose a temperature far below 1, or learn it (``learn_temperature=True``).
        weight_file: path of a file in which the weight matrix lies, for one larger than memory (CPU only). It is mapped
            into memory: the system reads the rows that are used, and writes changed rows back at any time. The bias
            lies in ``weight_file`` + ``".bias"``. The files hold the values row by row in the byte order of the machine
            and nothing else. They are made if they are missing, else used as they are. With several workers on a
            machine each needs files of its own: a step of one would change the weights of all. After a crash of the
            process they hold all changes so far, after one of the system any mixture of old and new rows: for a
            checkpoint, call ``optimizer.catch_up()``, copy the files, and save the optimiser's state with the copy.
            Moving the head, changing its type, copying it and ``state_dict`` read the whole matrix into memory.
        device, dtype: of weight and bias.
        options: those of :class:`softnce.torch.SoftTargetInfoNCE`, by name, but for ``dim`` and ``ignore_index``.

    Raises:
        ValueError: a setting is out of its range, or a file is not of the size that they need; the message names it.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        bias: bool = False,
        *,
        sparse: bool = True,
        init_std: Optional[float] = None,
        normalize: bool = False,
        weight_file: Union[None, str, os.PathLike[str]] = None,
        device: Any = None,
        dtype: Optional[torch.dtype] = None,
        **options: Any,
    ) -> None:
        for name, reason in _WITHOUT.items():
            if options.get(name) is not None:
                raise ValueError(f"{name} is {options[name]!r}, expected None: {reason}")
        super().__init__(**options)
        in_features, num_classes = integer("in_features", in_features), integer("num_classes", num_classes)
        if init_std is None:
            init_std = _STD if weight_file is None else 0.0
        init_std = number("init_std", init_std)
        if not (math.isfinite(init_std) and init_std >= 0):
            raise ValueError(f"init_std is {init_std}, expected a finite number not below 0")
        if self.noise_probs is not None and self.noise_probs.shape[0] != num_classes:
            raise ValueError(f"noise_probs has shape {list(self.noise_probs.shape)}, expected [{num_classes}]")
        if self.candidates is not None and self.candidates.count is None:
            message = "expected ClassCandidates(count): all classes need all logits"
            raise ValueError(f"candidates is {self.candidates!r}, {message} (use SoftTargetInfoNCE with head.logits)")
        self.in_features, self.num_classes, self.sparse = in_features, num_classes, flag("sparse", sparse)
        self.normalize = flag("normalize", normalize)
        self._sampler: Optional[classes.Sampler] = None
        # DistributedDataParallel expects sparse gradients only from embeddings.
        place: Dict[str, Any] = {"sparse": sparse, "device": device, "dtype": dtype}
        path = None if weight_file is None else os.fspath(weight_file)
        self.rows = _Rows(num_classes, in_features, init_std, path, **place)
        offsets = None if path is None else f"{path}.bias"
        self.offsets = _Rows(num_classes, 1, 0.0, offsets, **place) if flag("bias", bias) else None

    def __getstate__(self) -> Dict[str, Any]:
        # As large as the noise distribution, from which it is made again.
        return {**self.__dict__, "_sampler": None}

    def _load_from_state_dict(self, state_dict: Dict[str, Any], prefix: str, *rest: Any) -> None:
        # The state of a torch.nn.Linear is accepted too.
        for linear, own in (("weight", "rows.weight"), ("bias", "offsets.weight")):
            if prefix + linear in state_dict and (own == "rows.weight" or self.offsets is not None):
                values = state_dict.pop(prefix + linear)
                state_dict[prefix + own] = values if own == "rows.weight" else values[:, None]
        super()._load_from_state_dict(state_dict, prefix, *rest)

    @property
    def weight(self) -> Tensor:
        """The weight matrix, ``[d, D]``."""
        return self.rows.weight

    @property
    def bias(self) -> Optional[Tensor]:
        """The biases, ``[d]``, or None."""
        return None if self.offsets is None else self.offsets.weight[:, 0]

    def logits(self, features: Tensor) -> Tensor:
        """The logits of every class, ``[N, d]``, for prediction: ``head.posterior(head.logits(features))``."""
        self._catch_up(None)
        weight = self.weight
        if self.normalize:
            features, weight = _head.unit(features)[0], _head.unit(weight)[0]
        return nn.functional.linear(features, weight, self.bias)

    @torch.no_grad()
    def top_k(self, features: Tensor, k: int) -> TopK:
        """The k classes with the largest logits of features ``[N, D]``: those of ``head.logits(features).topk(k)``.

        The classes are computed in blocks, so that the logits ``[N, d]`` do not exist at once. Which of several classes
        with equal logits come first is not defined. No gradient flows.

        Raises:
            ValueError: k is not from 1 to d; the features do not fit.
        """
        if integer("k", k) > self.num_classes:
            raise ValueError(f"k is {k}, expected at most {self.num_classes}, the number of classes")
        best: List[Tensor] = []
        for first, logits in self._blocks(features):
            values, indices = logits.topk(min(k, logits.shape[1]), 1)
            if best:
                values = torch.cat((best[0], values), 1)
                indices = torch.cat((best[1], indices + first), 1)
                values, places = values.topk(min(k, values.shape[1]), 1)
                indices = indices.gather(1, places)
            best = [values, indices]
        return TopK(*best)

    @torch.no_grad()
    def log_normaliser(self, features: Tensor) -> Tensor:
        """``logsumexp(logits / temperature)`` over all classes, ``[N]``, computed in blocks of classes, in single
        precision or, where the weights have it, in double.

        The exact log likelihood of class k is ``logits_k / temperature`` minus it: :meth:`log_likelihood`. No gradient
        flows.
        """
        total: Optional[Tensor] = None
        sums = wide(self.weight.dtype)
        features = self._checked(features)
        with torch.autocast(features.device.type, enabled=False):
            for _, logits in self._blocks(features, sums):
                part = (logits / self.temperature.to(logits.device, sums)).logsumexp(1)
                total = part if total is None else torch.logaddexp(total, part)
        return cast(Tensor, total)

    @torch.no_grad()
    def log_likelihood(self, features: Tensor, labels: Tensor) -> Tensor:
        """The exact log posterior of the class ``labels`` ``[N]`` of each row, ``[N]``, without the logits ``[N, d]``.

        Raises:
            ValueError: the labels are not ``[N]``.
            IndexError: a label is out of range.
        """
        normaliser = self.log_normaliser(features)
        features, labels = (
            self._checked(features),
            segment_of("labels", labels, self.num_classes, features.device).first,
        )
        if list(labels.shape) != [features.shape[0]]:
            raise ValueError(f"labels has shape {list(labels.shape)}, expected [{features.shape[0]}] class indices")
        if labels.numel() and not (0 <= int(labels.min()) and int(labels.max()) < self.num_classes):
            found = int(labels.min()) if int(labels.min()) < 0 else int(labels.max())
            raise IndexError(f"labels names class {found}, expected a class from 0 to {self.num_classes - 1}")
        sums = normaliser.dtype
        rows, features = self.weight[labels.long()].to(sums), features.to(sums)
        if self.normalize:
            rows, features = _head.unit(rows)[0], _head.unit(features)[0]
        logits = (rows * features).sum(1)
        if self.offsets is not None:
            logits = logits + self.offsets.weight[labels.long(), 0].to(sums)
        return logits / self.temperature.to(logits.device, sums) - normaliser

    def _blocks(self, features: Tensor, dtype: Optional[torch.dtype] = None) -> Iterator[Tuple[int, Tensor]]:
        """The logits of blocks of classes, each with its first class; ``dtype`` defaults to that of the weights."""
        weight, bias = self.weight, self.bias
        dtype = weight.dtype if dtype is None else dtype
        features = self._checked(features).to(dtype)
        self._catch_up(None)
        size = max(1, _LOGITS // max(1, *features.shape))
        if self.normalize:
            features = _head.unit(features)[0]
        for first in range(0, self.num_classes, size):
            rows = weight[first : first + size].to(dtype)
            rows = _head.unit(rows)[0] if self.normalize else rows
            offsets = None if bias is None else bias[first : first + size].to(dtype)
            yield first, nn.functional.linear(features, rows, offsets)

    def extra_repr(self) -> str:
        """The text in ``repr``."""
        shape = f"in_features={self.in_features}, num_classes={self.num_classes}, bias={self.bias is not None}"
        normalize = ", normalize=True" if self.normalize else ""
        return f"{shape}, sparse={self.sparse}{normalize}, {super().extra_repr()}"

    def forward(
        self,
        features: Tensor,
        targets: Targets,
        *,
        candidates: Union[None, Targets, Sequence[Targets]] = None,
        row_weights: Optional[Tensor] = None,
    ) -> Tensor:
        """The loss of features ``[N, D]``: ``[]``, or ``[N]`` under reduction none.

        Raises:
            ValueError: shapes or values do not match; dense targets without a compact form; unequal uniform shares; a
                uniform share with classes as candidates.
            IndexError: a class index is out of range.
            TypeError: a type is not supported.
        """
        compiling = torch.compiler.is_compiling()
        if compiling and (self.sparse or self.candidates is not None or not self._alone()):
            # The compiler has no sparse gradients, and does not trace draws and the gathering of targets.
            loss: Tensor = self._untraced(features, targets, candidates, row_weights)
            return loss
        return self._evaluate(features, targets, candidates, row_weights, compiling)

    @untraced
    def _untraced(self, features: Tensor, targets: Any, candidates: Any, row_weights: Any) -> Tensor:
        return self._evaluate(features, targets, candidates, row_weights, False)

    def _evaluate(self, features: Tensor, targets: Any, candidates: Any, row_weights: Any, traced: bool) -> Tensor:
        features = self._checked(features)
        rows = features.shape[0]
        options = {"candidates": candidates, "row_weights": row_weights}
        if self.candidates is not None:
            targets, options = self._drawn(self.candidates, features, targets, options)
        call, found = self._prepare(rows, self.num_classes, features.device, targets, **options)
        if transformed():
            loss = _autograd.apply(call, self.logits(features), found)
            self._fill(call, targets)
            return loss
        learned = None if found is None else found.value()
        if self.normalize:
            # Autocast computes norms in single precision.
            features = _head.unit(features)[0].to(self.weight.dtype)
        if traced or features.is_meta:
            weight = _head.unit(self.weight)[0] if self.normalize else self.weight
            loss = _head_operation.call(call, _head.Inputs(features, weight, self.bias, learned))
            self._fill(call, targets)
            return loss
        gathers = bool(call.group)
        if gathers:
            call = _distributed.gather(call, rows, self.num_classes)
        elif rows == 0 and self.candidates is not None and not self._alone():
            # Other workers may have rows: this one adds nothing.
            call = call._replace(workers=2)
        self._catch_up(call, gathers)
        bias = None if self.offsets is None else self.offsets.weight
        if torch.is_grad_enabled():
            loss = _HeadLoss.apply(features, self.weight, bias, learned, call, self.sparse, self.normalize)
        else:
            inputs = _head.Inputs(features, self.weight, self.bias, learned, self.normalize)
            loss = _head.evaluate(call, inputs, False, None)[0]
        self._fill(call, targets)
        return loss

    def _drawn(
        self, over: classes.ClassCandidates, features: Tensor, targets: Any, options: Dict[str, Any]
    ) -> Tuple[Any, Dict[str, Any]]:
        """Targets that list their classes, and the options of a call over classes that are drawn."""
        if options["candidates"] is not None:
            raise ValueError(f"candidates is given, and the head has {over!r}; expected one of them")
        rows, device = features.shape[0], features.device
        group = "" if self._alone() else _distributed.group_name(self.process_group)
        options = {**options, "alone": True}
        if group and self.reduction == "mean":
            parts = _distributed.parts_of_mean(rows, options["row_weights"], group, device)
            options = {**options, "row_weights": parts, "reduction": "sum"}
        own = segment_of("targets", targets, self.num_classes, device)
        if rows:
            (own,) = listed([own], self.num_classes)
        else:
            own = Segment(torch.zeros(0, dtype=torch.int64, device=device), None, 0.0, None, None)
            targets = own.first
        if shares([own])[1] > 0:
            message = "expected 0: with classes as candidates it needs every class"
            raise ValueError(f"targets has a uniform share of {shares([own])[1]}, {message} (label smoothing)")
        sampler = self._sampler
        if sampler is None or not sampler.serves(self.noise_probs, device):
            sampler = self._sampler = classes.Sampler(self.noise_probs, self.num_classes, device)
        drawn = classes.draw_some(cast(int, over.count), own, sampler)
        if own.second is not None:
            targets = MixedTargets.compact(0.0, own.first, own.second, self.num_classes)
        return targets, {**options, **drawn._asdict()}

    def _catch_up(self, call: Optional[Call], shared: bool = False) -> None:
        """Brings the rows that a call reads up to date if a row optimiser has left them behind; None: all rows.

        ``shared``: the calls of all workers read the same rows.
        """
        parts = [part for part in (self.rows, self.offsets) if part is not None]
        if all([optimizer_of(part.weight) is None for part in parts]):
            return
        rows = None
        if call is not None:
            rows = torch.cat([part.first.reshape(-1).long() for part in listed(call.segments, self.num_classes)])
        for part in parts:
            before_reading(part.weight, rows, shared=shared, training=self._training())

    def _keeps_candidates(self) -> bool:
        return self.reduction == "none" or super()._keeps_candidates()

    def _checked(self, features: Any) -> Tensor:
        if not isinstance(features, Tensor):
            raise TypeError(f"features is of type {type(features).__name__}, expected a tensor")
        if features.dim() != 2 or features.shape[1] != self.in_features:
            raise ValueError(f"features has shape {list(features.shape)}, expected [N, {self.in_features}]")
        for name, embedding in (("weight", self.rows), ("bias", self.offsets)):
            if embedding is not None and embedding.weight.device != features.device:
                raise ValueError(f"{name} is on {embedding.weight.device}, expected {features.device}, as the features")
        if self.offsets is not None and self.offsets.weight.dtype != self.weight.dtype:
            raise TypeError(f"bias has dtype {self.offsets.weight.dtype}, expected {self.weight.dtype}, as weight")
        if features.dtype != self.weight.dtype:
            # Convert the features and not the weights, which would copy the weights of every class.
            if not torch.is_autocast_enabled(features.device.type) or not features.dtype.is_floating_point:
                raise TypeError(f"features has dtype {features.dtype}, expected {self.weight.dtype}, as weight")
            features = features.to(self.weight.dtype)
        return resolved(features)


class _Rows(nn.Embedding):
    """A matrix with a row for each class, in memory or in a file."""

    def __init__(self, rows: int, columns: int, std: float, file: Optional[str], **options: Any) -> None:
        self.std = std
        if file is None:
            super().__init__(rows, columns, **options)
            return
        values, new = _mapped.matrix(file, rows, columns, options["dtype"], options["device"])
        super().__init__(rows, columns, _weight=values, sparse=options["sparse"])
        if new and std > 0:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=self.std)


class _HeadLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        bias: Optional[Tensor],
        temperature: Optional[Tensor],
        call: Call,
        sparse: bool,
        normalize: bool,
    ) -> Tensor:
        wanted = any(ctx.needs_input_grad)
        ctx.call, ctx.sparse, ctx.by_row = call, sparse, wanted and call.reduction == "none"
        ctx.normalize = normalize
        ctx.shapes = features.dtype, weight.detach()[:0], weight.shape, None if bias is None else bias.shape
        inputs = _head.Inputs(features, weight, None if bias is None else bias[:, 0], temperature, normalize)
        # Under reduction none, the gradients of the weights are sums over rows, weighted by upstream gradients that are
        # not known yet. They are then computed in backward, from the saved inputs.
        loss, gradients = _head.evaluate(call, inputs, wanted and not ctx.by_row, None)
        if ctx.by_row:
            ctx.save_for_backward(temperature, features, weight, bias, *tensors(call))
        elif gradients is not None:
            ctx.save_for_backward(temperature, *gradients[:-1])
            ctx.distinct = gradients.distinct
        return loss

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tuple[Optional[Tensor], ...]:
        if torch.is_grad_enabled():
            # Autograd would silently treat the gradients as constants.
            advice = "use criterion(head.logits(features), targets) with SoftTargetInfoNCE as criterion"
            raise RuntimeError(f"these gradients cannot be differentiated again (create_graph=True); {advice}")
        temperature, *saved = ctx.saved_tensors
        if ctx.by_row:
            features, weight, bias = saved[:3]
            column = None if bias is None else bias[:, 0]
            inputs = _head.Inputs(features, weight, column, temperature, ctx.normalize)
            gradients = cast(_head.Gradients, _head.evaluate(ctx.call, inputs, True, upstream)[1])
        else:
            gradients = _head.Gradients(*saved)._replace(distinct=ctx.distinct).scaled(upstream)
        dtype, like, weights, biases = ctx.shapes
        need = ctx.needs_input_grad
        by_bias = None if gradients.bias is None else gradients.bias[:, None]
        return (
            gradients.features.to(dtype) if need[0] else None,
            _rows(gradients, gradients.weight, like, weights, ctx.sparse) if need[1] else None,
            None if by_bias is None or not need[2] else _rows(gradients, by_bias, like, biases, ctx.sparse),
            gradients.temperature.to(temperature).reshape(temperature.shape) if need[3] else None,
            None,
            None,
            None,
        )


def _rows(found: _head.Gradients, rows: Tensor, like: Tensor, shape: torch.Size, sparse: bool) -> Tensor:
    """The gradient over all classes, from the rows of the classes that have one."""
    rows, classes = rows.to(like.dtype), found.classes[None]
    if sparse:
        return torch.sparse_coo_tensor(classes, rows, shape, is_coalesced=found.distinct, check_invariants=False)
    return like.new_zeros(shape).index_add_(0, found.classes, rows)
