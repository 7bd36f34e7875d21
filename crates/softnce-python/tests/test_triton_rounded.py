"""Compact rows whose sum is off by rounding, with the Triton kernels: they are divided by it, as on every path."""

from __future__ import annotations

import pytest
import torch

import softnce.torch as losses
from reference import both, close, cross_entropy, info_nce, random_logits
from softnce.torch import MixedTargets
from softnce.torch._devices import INTERPRETED
from test_rounded_targets import off, written

pytestmark = pytest.mark.skipif(not INTERPRETED, reason="needs TRITON_INTERPRET=1")


@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize("loss", ["soft_target_info_nce", "soft_target_cross_entropy"])
def test_compact_rows(shares: bool, loss: str) -> None:
    logits, targets = (100 * random_logits(3, 5)).requires_grad_(), off(shares)
    definition = info_nce if loss == "soft_target_info_nce" else cross_entropy
    expected = both(definition(logits, written(targets)).mean(), logits)
    found = both(getattr(losses, loss)(logits, targets, backend="triton", check_values="now"), logits)
    for value, wanted in zip(found, expected):
        close(value, wanted, 1e-12)


@pytest.mark.parametrize("loss", ["soft_target_info_nce", "soft_target_cross_entropy"])
def test_weights_in_half_precision(loss: str) -> None:
    weights = torch.tensor([[0.4995, 0.4995], [0.3, 0.7], [0.6, 0.4]], dtype=torch.float16)
    targets = MixedTargets.compact(0.0, torch.tensor([[0, 1], [1, 2], [2, 3]]), weights, 4)
    logits = random_logits(3, 4).requires_grad_()
    expected = both(getattr(losses, loss)(logits, targets), logits)
    for value, wanted in zip(both(getattr(losses, loss)(logits, targets, backend="triton"), logits), expected):
        close(value, wanted, 1e-12)
    bad = MixedTargets.compact(0.0, targets.classes, targets.weights - 0.01, 4)
    with pytest.raises(ValueError, match="targets"):
        getattr(losses, loss)(logits, bad, backend="triton", check_values="now")
