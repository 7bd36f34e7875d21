"""A linear head for any number of classes: the loss from features and class weights, whose logits are never formed.

Only the classes that occur among the candidates take part, so that a step costs the same for ten thousand classes as
for ten million; the gradient of the class weights is sparse.
"""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union, cast

import torch
from torch import Tensor, nn

from softnce.torch import _distributed, _head
from softnce.torch._call import Call, Targets
from softnce.torch._memory import resolved
from softnce.torch._scale import forbid_second
from softnce.torch.modules import Contrastive
from softnce.torch.queue import TargetQueue

__all__ = ["InfoNCEHead"]


class InfoNCEHead(Contrastive):
    """Linear head and soft target InfoNCE in one: ``loss = head(features, targets)``.

    The logits ``features @ weight.T + bias`` exist in :meth:`logits` alone. The class weights (and biases) are kept as
    ``torch.nn.Embedding``s, and their gradients hold the rows of the classes that took part: sparse tensors, which
    ``torch.optim.SGD``, ``SparseAdam`` and ``Adagrad`` take and ``DistributedDataParallel`` reduces; with
    ``sparse=False`` dense ones, for any optimiser.

    Targets are class indices, ``MixedTargets`` or probabilities that are recognised as such; their uniform shares must
    be equal (label smoothing the same in every row), for then they cancel and no other class counts.

    Args:
        in_features: the width D of the features.
        num_classes: the number of classes d.
        bias: whether there is a bias.
        sparse: whether the gradients of weight and bias are sparse.
        init_std: standard deviation of the weights at first; the paper's heads start at 2e-5.
        The others are those of :class:`softnce.torch.SoftTargetInfoNCE`.

    Raises:
        ValueError: a setting out of its range; the message names it.
    """

    _kind = "soft-target-infonce"

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        bias: bool = False,
        *,
        sparse: bool = True,
        init_std: float = 2e-5,
        noise_probs: Any = None,
        noise_counts: Any = None,
        noise_smoothing: float = 1.0,
        alpha: float = 1.0,
        temperature: float = 1.0,
        learn_temperature: bool = False,
        reduction: str = "mean",
        gather: bool = True,
        process_group: Any = None,
        queue: Optional[TargetQueue] = None,
        backend: str = "auto",
        check_values: bool = True,
        device: Any = None,
        dtype: Optional[torch.dtype] = None,
    ) -> None:
        super().__init__(
            noise_probs,
            temperature,
            reduction,
            noise_counts,
            noise_smoothing,
            alpha,
            learn_temperature,
            gather,
            process_group,
            queue,
            backend,
            True,
            check_values,
        )
        for argument, value in (("in_features", in_features), ("num_classes", num_classes)):
            if value < 1:
                raise ValueError(f"{argument} is {value}, expected at least 1")
        if not (math.isfinite(init_std) and init_std >= 0):
            raise ValueError(f"init_std is {init_std}, expected a finite number not below 0")
        if self.noise_probs is not None and self.noise_probs.shape[0] != num_classes:
            raise ValueError(f"noise_probs has shape {list(self.noise_probs.shape)}, expected [{num_classes}]")
        self.in_features, self.num_classes, self.sparse = in_features, num_classes, sparse
        # Embeddings: DistributedDataParallel expects sparse gradients of these alone.
        self.rows = nn.Embedding(num_classes, in_features, sparse=sparse, device=device, dtype=dtype)
        nn.init.normal_(self.rows.weight, std=init_std)
        self.offsets: Optional[nn.Embedding] = None
        if bias:
            self.offsets = nn.Embedding(num_classes, 1, sparse=sparse, device=device, dtype=dtype)
            nn.init.zeros_(self.offsets.weight)

    def _load_from_state_dict(self, state_dict: Dict[str, Any], prefix: str, *rest: Any) -> None:
        # A torch.nn.Linear's state is taken too.
        for linear, own in (("weight", "rows.weight"), ("bias", "offsets.weight")):
            if prefix + linear in state_dict and (own == "rows.weight" or self.offsets is not None):
                values = state_dict.pop(prefix + linear)
                state_dict[prefix + own] = values if own == "rows.weight" else values[:, None]
        super()._load_from_state_dict(state_dict, prefix, *rest)

    @property
    def weight(self) -> Tensor:
        """The class weights, ``[d, D]``."""
        return self.rows.weight

    @property
    def bias(self) -> Optional[Tensor]:
        """The biases, ``[d]``, where there are any."""
        return None if self.offsets is None else self.offsets.weight[:, 0]

    def logits(self, features: Tensor) -> Tensor:
        """The logits of every class, ``[N, d]``, for prediction: ``head.posterior(head.logits(features))``."""
        return nn.functional.linear(features, self.weight, self.bias)

    def extra_repr(self) -> str:
        """What ``print`` shows."""
        shape = f"in_features={self.in_features}, num_classes={self.num_classes}, bias={self.bias is not None}"
        return f"{shape}, sparse={self.sparse}, {super().extra_repr()}"

    @torch.compiler.disable
    def forward(
        self,
        features: Tensor,
        targets: Targets,
        candidates: Union[None, Targets, Sequence[Targets]] = None,
        row_weights: Optional[Tensor] = None,
    ) -> Tensor:
        """The loss of features ``[N, D]``: ``[]``, or ``[N]`` under reduction none.

        Raises:
            ValueError: shapes and values that do not go together; targets that weigh every class, each its own share.
            IndexError: a class index out of range.
            TypeError: a type that is not taken.
        """
        features = self._checked(features)
        rows = features.shape[0]
        options = {"candidates": candidates, "row_weights": row_weights}
        call, learned = self._prepare(rows, self.num_classes, features.device, targets, **options)
        if call.group:
            call = _distributed.gather(call, rows, self.num_classes)
        bias = None if self.offsets is None else self.offsets.weight
        if torch.is_grad_enabled():
            loss: Tensor = _HeadLoss.apply(features, self.weight, bias, learned, call, self.sparse)
        else:
            column = self.bias
            loss = _head.evaluate(call, features, self.weight, column, learned, False, None)[0]
        self._fill(call)
        return loss

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
            # The features are widened: to narrow the weights would copy those of every class.
            if not torch.is_autocast_enabled(features.device.type) or not features.dtype.is_floating_point:
                raise TypeError(
                    f"features has dtype {features.dtype}, expected {self.weight.dtype}, as the class weights"
                )
            features = features.to(self.weight.dtype)
        return resolved(features)


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
        column = None if bias is None else bias[:, 0]
        # A row's upstream gradient is not known yet, and enters sums over rows: then the gradients wait for it, and
        # what they are computed from is kept, unchanged.
        loss, gradients = _head.evaluate(call, features, weight, column, temperature, wanted and not ctx.by_row, None)
        if ctx.by_row:
            ctx.save_for_backward(temperature, features, weight, bias, *_tensors(call))
        elif gradients is not None:
            ctx.save_for_backward(temperature, *gradients)
        return loss

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tuple[Optional[Tensor], ...]:
        forbid_second()
        temperature, *saved = ctx.saved_tensors
        if ctx.by_row:
            features, weight, bias = saved[:3]
            column = None if bias is None else bias[:, 0]
            found = _head.evaluate(ctx.call, features, weight, column, temperature, True, upstream)[1]
            gradients = cast(_head.Gradients, found)
        else:
            gradients = _head.Gradients(*saved).scaled(upstream)
        dtype, like, weights, biases = ctx.shapes
        need = ctx.needs_input_grad
        by_bias = None if gradients.bias is None else gradients.bias[:, None]
        return (
            gradients.features.to(dtype) if need[0] else None,
            _rows(gradients.classes, gradients.weight, like, weights, ctx.sparse) if need[1] else None,
            None if by_bias is None or not need[2] else _rows(gradients.classes, by_bias, like, biases, ctx.sparse),
            gradients.temperature.to(temperature).reshape(temperature.shape) if need[3] else None,
            None,
            None,
        )


def _tensors(call: Call) -> List[Tensor]:
    """The tensors of a call: autograd tells where they were written to before it came to them."""
    parts = [tensor for segment in call.segments for tensor in segment if isinstance(tensor, Tensor)]
    return parts + [tensor for tensor in (call.noise, call.row_weights, call.positives) if tensor is not None]


def _rows(classes: Tensor, rows: Tensor, like: Tensor, shape: torch.Size, sparse: bool) -> Tensor:
    """The gradient of all classes, of which these have one."""
    rows = rows.to(like.dtype)
    if sparse:
        return torch.sparse_coo_tensor(classes[None], rows, shape, is_coalesced=True, check_invariants=False)
    return like.new_zeros(shape).index_copy_(0, classes, rows)
