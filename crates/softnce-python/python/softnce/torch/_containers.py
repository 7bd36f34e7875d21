"""Lets PyTorch's containers hold compact targets: pytrees (``tree_map``, ``torch.func``, export) and data loaders."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple, Union

from torch import Tensor
from torch.utils._pytree import GetAttrKey, register_pytree_node
from torch.utils.data._utils.collate import default_collate_fn_map

from softnce.torch.targets import MixedTargets

__all__ = ["register"]

#: The uniform share if all rows have the same, and the number of classes.
_Context = Tuple[Optional[float], int]


def _flatten(targets: MixedTargets) -> Tuple[List[Any], _Context]:
    if isinstance(targets.uniform, (int, float)):
        return [targets.classes, targets.weights], (targets.uniform, targets.num_classes)
    return [targets.classes, targets.weights, targets.uniform], (None, targets.num_classes)


def _flatten_with_keys(targets: MixedTargets) -> Tuple[List[Tuple[Any, Any]], _Context]:
    leaves, context = _flatten(targets)
    names = ("classes", "weights", "uniform")
    return [(GetAttrKey(name), leaf) for name, leaf in zip(names, leaves)], context


def _unflatten(leaves: Any, context: _Context) -> MixedTargets:
    # Not checked: a pytree may hold anything in the place of tensors.
    made = MixedTargets.__new__(MixedTargets)
    made.classes, made.weights, *uniform = leaves
    share: Union[None, float, Tensor]
    share, made.num_classes = context
    made.uniform = uniform[0] if share is None else share
    return made


def _collate(batch: Sequence[MixedTargets], *, collate_fn_map: Any = None) -> MixedTargets:
    return MixedTargets.cat(batch)


def register() -> None:
    """Registers the compact targets with PyTorch."""
    register_pytree_node(
        MixedTargets,
        _flatten,
        _unflatten,
        serialized_type_name="softnce.torch.MixedTargets",
        flatten_with_keys_fn=_flatten_with_keys,
    )
    default_collate_fn_map[MixedTargets] = _collate
