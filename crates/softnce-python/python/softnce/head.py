"""A linear head for any number of classes: the loss from features and weights, without materialising the logits.

Only the classes that occur among the candidates are computed, so a step costs the same for ten thousand classes as for
ten million. The gradient of the weight matrix is sparse.
"""

from __future__ import annotations

import math
from typing import Any, Dict, Optional, Sequence, Tuple, Union, cast

import torch
from torch import Tensor, nn

from softnce._settings import flag, integer, number
from softnce.optim._registry import before_reading, optimizer_of
from softnce.torch import _autograd, _distributed, _head, _head_operation
from softnce.torch._call import Call, Targets, tensors
from softnce.torch._differentiable import transformed
from softnce.torch._listing import listed
from softnce.torch._memory import resolved
from softnce.torch._tracing import untraced
from softnce.torch.modules import Contrastive

__all__ = ["InfoNCEHead"]

#: The options of the other losses that a head does not have, and why.
_WITHOUT = {
    "candidates": "a head computes only the classes of the targets (use SoftTargetInfoNCE with head.logits)",
    "dim": "a head takes features [N, D]",
    "ignore_index": "a head counts every row (leave out the rows before the call)",
}


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

    Args:
        in_features: the number of features D.
        num_classes: the number of classes d.
        bias: whether to add a bias.
        sparse: whether the gradients of weight and bias are sparse.
        init_std: standard deviation of the initial weights; the paper uses 2e-5.
        device, dtype: of weight and bias.
        options: those of :class:`softnce.torch.SoftTargetInfoNCE`, by name, but for ``candidates``, ``dim`` and
            ``ignore_index``.

    Raises:
        ValueError: a setting is out of its range; the message names it.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        bias: bool = False,
        *,
        sparse: bool = True,
        init_std: float = 2e-5,
        device: Any = None,
        dtype: Optional[torch.dtype] = None,
        **options: Any,
    ) -> None:
        for name, reason in _WITHOUT.items():
            if options.get(name) is not None:
                raise ValueError(f"{name} is {options[name]!r}, expected None: {reason}")
        super().__init__(**options)
        in_features, num_classes = integer("in_features", in_features), integer("num_classes", num_classes)
        init_std = number("init_std", init_std)
        if not (math.isfinite(init_std) and init_std >= 0):
            raise ValueError(f"init_std is {init_std}, expected a finite number not below 0")
        if self.noise_probs is not None and self.noise_probs.shape[0] != num_classes:
            raise ValueError(f"noise_probs has shape {list(self.noise_probs.shape)}, expected [{num_classes}]")
        self.in_features, self.num_classes, self.sparse = in_features, num_classes, flag("sparse", sparse)
        # DistributedDataParallel expects sparse gradients only from embeddings.
        place: Dict[str, Any] = {"sparse": sparse, "device": device, "dtype": dtype}
        self.rows = _Rows(num_classes, in_features, init_std, **place)
        self.offsets = _Rows(num_classes, 1, 0.0, **place) if flag("bias", bias) else None

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
        return nn.functional.linear(features, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The text in ``repr``."""
        shape = f"in_features={self.in_features}, num_classes={self.num_classes}, bias={self.bias is not None}"
        return f"{shape}, sparse={self.sparse}, {super().extra_repr()}"

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
            ValueError: shapes or values do not match; dense targets without a compact form; unequal uniform shares.
            IndexError: a class index is out of range.
            TypeError: a type is not supported.
        """
        compiling = torch.compiler.is_compiling()
        if compiling and (self.sparse or not self._alone()):
            # The compiler has no sparse gradients, and does not trace the gathering of targets.
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
        call, found = self._prepare(rows, self.num_classes, features.device, targets, **options)
        if transformed():
            loss = _autograd.apply(call, self.logits(features), found)
            self._fill(call, targets)
            return loss
        learned = None if found is None else found.value()
        if traced or features.is_meta:
            loss = _head_operation.call(call, _head.Inputs(features, self.weight, self.bias, learned))
            self._fill(call, targets)
            return loss
        if call.group:
            call = _distributed.gather(call, rows, self.num_classes)
        self._catch_up(call)
        bias = None if self.offsets is None else self.offsets.weight
        if torch.is_grad_enabled():
            loss = _HeadLoss.apply(features, self.weight, bias, learned, call, self.sparse)
        else:
            inputs = _head.Inputs(features, self.weight, self.bias, learned)
            loss = _head.evaluate(call, inputs, False, None)[0]
        self._fill(call, targets)
        return loss

    def _catch_up(self, call: Optional[Call]) -> None:
        """Brings the rows that a call reads up to date if a row optimiser has left them behind; None: all rows."""
        parts = [part for part in (self.rows, self.offsets) if part is not None]
        if all([optimizer_of(part.weight) is None for part in parts]):
            return
        rows = None
        if call is not None:
            rows = torch.cat([part.first.reshape(-1).long() for part in listed(call.segments, self.num_classes)])
        for part in parts:
            before_reading(part.weight, rows, shared=call is not None and call.workers > 1)

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
    """A matrix with a row for each class."""

    def __init__(self, rows: int, columns: int, std: float, **options: Any) -> None:
        self.std = std
        super().__init__(rows, columns, **options)

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
    ) -> Tensor:
        wanted = any(ctx.needs_input_grad)
        ctx.call, ctx.sparse, ctx.by_row = call, sparse, wanted and call.reduction == "none"
        ctx.shapes = features.dtype, weight.detach()[:0], weight.shape, None if bias is None else bias.shape
        inputs = _head.Inputs(features, weight, None if bias is None else bias[:, 0], temperature)
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
            inputs = _head.Inputs(features, weight, None if bias is None else bias[:, 0], temperature)
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
        )


def _rows(found: _head.Gradients, rows: Tensor, like: Tensor, shape: torch.Size, sparse: bool) -> Tensor:
    """The gradient over all classes, from the rows of the classes that have one."""
    rows, classes = rows.to(like.dtype), found.classes[None]
    if sparse:
        return torch.sparse_coo_tensor(classes, rows, shape, is_coalesced=found.distinct, check_invariants=False)
    return like.new_zeros(shape).index_add_(0, found.classes, rows)
