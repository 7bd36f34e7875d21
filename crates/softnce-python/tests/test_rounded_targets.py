"""Targets whose rows sum to 1 only up to rounding are divided by their sum, on every path; others are refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import softnce.torch as losses
from reference import both, close, cross_entropy, info_nce, random_logits, random_targets
from softnce.torch import MixedTargets

BACKENDS = ["kernel", "tensor"]


def rounded(rows: Tensor) -> Tensor:
    """Rows divided by their sums, in double precision."""
    return rows.double() / rows.double().sum(1, keepdim=True)


def off(shares: bool) -> MixedTargets:
    """Compact rows whose sums are off by up to 5e-5, with one uniform share or one for each row."""
    classes = torch.tensor([[0, 3], [4, 4], [1, 2]])
    weights = torch.tensor([[0.5, 0.3], [0.2, 0.6], [0.7, 0.1]], dtype=torch.float64)
    error = torch.tensor([[1 + 5e-5], [1 - 5e-5], [1.0]], dtype=torch.float64)
    share: Any = torch.tensor([0.2, 0.2, 0.2], dtype=torch.float64) if shares else 0.2
    return MixedTargets.compact(share, classes, weights * error, 5)


def written(targets: MixedTargets) -> Tensor:
    """The rows of ``off``: one share for all rows stands, and the weights take the rest."""
    if isinstance(targets.uniform, Tensor):
        return rounded(targets.dense(torch.float64))
    weights = targets.weights * (1 - targets.uniform) / targets.weights.sum(1, keepdim=True)
    return MixedTargets.compact(targets.uniform, targets.classes, weights, 5).dense(torch.float64)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize("loss", ["soft_target_info_nce", "soft_target_cross_entropy"])
def test_compact_rows(backend: str, shares: bool, loss: str) -> None:
    # Far from 0, so that rows of the wrong sum change the loss by much.
    logits = (100 * random_logits(3, 5)).requires_grad_()
    targets = off(shares)
    definition = info_nce if loss == "soft_target_info_nce" else cross_entropy
    expected = both(definition(logits, written(targets)).mean(), logits)
    found = both(getattr(losses, loss)(logits, targets, backend=backend), logits)
    for value, wanted in zip(found, expected):
        close(value, wanted, 1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_dense_rows(backend: str, dtype: torch.dtype, weighted: bool, smoothing: float) -> None:
    # The sums of the rows in half precision are off by more than single precision allows.
    logits, rows = random_logits(6, 300).requires_grad_(), random_targets("dense", 6, 300).to(dtype)
    weight = torch.rand(300, dtype=torch.float64) if weighted else None
    plain = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)
    expected = both(plain(logits, rounded(rows)), logits)
    found = losses.soft_target_cross_entropy(logits, rows, weight=weight, label_smoothing=smoothing, backend=backend)
    for value, wanted in zip(both(found, logits), expected):
        close(value, wanted, 1e-6 if smoothing else 1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("compact", [False, True])
def test_class_weights_hide_no_wrong_rows(backend: str, smoothing: float, compact: bool) -> None:
    targets: Any = random_targets("dense", 3, 4) * 0.5
    if compact:
        targets = MixedTargets.compact(0.0, torch.tensor([[0], [1], [2]]), torch.full((3, 1), 0.5), 4)
    with pytest.raises(ValueError, match=r"targets\[0\] has a sum of 0\.5"):
        losses.soft_target_cross_entropy(
            random_logits(3, 4), targets, weight=torch.ones(4), label_smoothing=smoothing, backend=backend
        )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_class_weights_of_0(backend: str, reduction: str) -> None:
    weight, rows = torch.zeros(4, dtype=torch.float64), random_targets("dense", 3, 4)
    for targets in (rows, torch.tensor([0, 1, 2])):
        logits = random_logits(3, 4).requires_grad_()
        plain = torch.nn.CrossEntropyLoss(weight=weight, reduction=reduction)(logits, targets)
        found = losses.soft_target_cross_entropy(logits, targets, weight=weight, reduction=reduction, backend=backend)
        torch.testing.assert_close(found, plain, equal_nan=True)
        (gradient,) = torch.autograd.grad(found.sum(), logits)
        assert torch.equal(gradient, torch.zeros_like(gradient))


def test_dense_rows_are_as_precise_as_their_type() -> None:
    targets = MixedTargets.compact(
        torch.tensor([0.1]), torch.tensor([[1]]), torch.tensor([[0.9]], dtype=torch.float64), 3
    )
    share = float(torch.tensor(0.1)) / 3
    expected = torch.tensor([[share, share + 0.9, share]], dtype=torch.float64)
    torch.testing.assert_close(targets.dense(torch.float64), expected, rtol=1e-15, atol=0)
    # Half precision only in the end.
    half = MixedTargets.compact(0.5, torch.tensor([[1]]), torch.tensor([[0.5]]).half(), 3)
    torch.testing.assert_close(half.dense(), torch.tensor([[1 / 6, 2 / 3, 1 / 6]]), rtol=1e-7, atol=0)
