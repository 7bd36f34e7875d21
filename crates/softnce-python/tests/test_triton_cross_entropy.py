"""Soft target cross-entropy by Triton kernels, run by Triton's interpreter, against the definition."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import softnce.torch as losses
from reference import (
    FORMS,
    TOLERANCE,
    both,
    close,
    cross_entropy,
    generator,
    large_scores,
    random_logits,
    random_targets,
    reduce,
    thinned,
    written_out,
)
from softnce.torch import MixedTargets
from softnce.torch._devices import INTERPRETED

pytestmark = [
    pytest.mark.skipif(not INTERPRETED, reason="needs TRITON_INTERPRET=1"),
    # The interpreter computes with NumPy, which warns where a device gives infinity or NaN.
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]


def loss(logits: Any, targets: Any, **options: Any) -> Any:
    return losses.soft_target_cross_entropy(logits, targets, backend="triton", **options)


@pytest.mark.parametrize(
    "form, dtype, reduction, options", thinned(4, FORMS, TOLERANCE, ["none", "mean", "sum"], [False, True])
)
def test_values_and_gradients(form: str, dtype: torch.dtype, reduction: str, options: bool) -> None:
    weighted = learned = options
    seed = (len(form) + len(str(dtype)) + len(reduction) + weighted) % 7
    rows, classes = [(1, 2), (3, 16), (5, 37), (2, 50), (7, 10), (4, 33), (6, 5)][seed]
    logits = random_logits(rows, classes, seed, dtype=dtype).requires_grad_()
    tau = torch.tensor(0.7, dtype=torch.float64, requires_grad=learned)
    # More targets than rows: row i takes target i.
    targets = random_targets(form, rows + 2, classes)
    weights = torch.rand(rows, dtype=torch.float64, generator=generator(5)) + 0.1 if weighted else None
    upstream = torch.randn(rows if reduction == "none" else (), dtype=torch.float64, generator=generator(6))
    wide = logits.detach().double().requires_grad_()
    rowwise = cross_entropy(wide, written_out(targets, classes)[:rows], tau)
    inputs = (wide, tau) if learned else (wide,)
    expected = both(reduce(rowwise, reduction, weights), *inputs, upstream=upstream)
    value = loss(logits, targets, row_weights=weights, temperature=tau if learned else 0.7, reduction=reduction)
    sums = torch.float64 if dtype == torch.float64 else torch.float32
    assert value.dtype == sums
    found = both(value, logits, *inputs[1:], upstream=upstream.to(sums))
    for name, mine, wanted in zip(("loss", "logits", "temperature"), found, expected):
        close(mine, wanted, TOLERANCE[dtype if name == "logits" else sums])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("form", ["labels", "mixed", "dense"])
def test_a_probability_near_one_keeps_its_gradient(form: str, dtype: torch.dtype) -> None:
    logits = torch.zeros(2, 20, dtype=dtype)
    logits[0, 3], logits[1, 19] = 12.0, 14.0
    label = torch.tensor([3, 19])
    targets: Any = label
    if form == "mixed":
        targets = MixedTargets.mixed(label, torch.tensor([3, 4]), torch.tensor([0.5, 1.0]), 20)
    elif form == "dense":
        targets = torch.nn.functional.one_hot(label, 20).to(dtype)
    wide = logits.double().requires_grad_()
    expected = both(cross_entropy(wide, written_out(label, 20)).sum(), wide)
    leaf = logits.clone().requires_grad_()
    found = both(loss(leaf, targets, reduction="sum"), leaf)
    for mine, wanted in zip(found, expected):
        torch.testing.assert_close(mine.double(), wanted, rtol=1e-2 if dtype == torch.bfloat16 else 1e-5, atol=0)


def test_large_and_distant_logits() -> None:
    logits = torch.tensor([[1e30, -1e30, 3.0], [1e9, 1e9 + 64, 0.0], [-1e4, -1e4, -1e4]], requires_grad=True)
    targets = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.25, 0.25, 0.5]])
    wide = logits.detach().double().requires_grad_()
    expected = both(cross_entropy(wide, targets.double()), wide, upstream=torch.ones(3).double())
    found = both(loss(logits, targets, reduction="none"), logits, upstream=torch.ones(3))
    for mine, wanted in zip(found, expected):
        torch.testing.assert_close(mine.double(), wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", ["labels", "mixed", "dense"])
def test_large_scores(form: str) -> None:
    for case in large_scores():
        targets: Any = case.targets
        if form != "mixed":
            targets = targets.classes[:, 0] if form == "labels" else targets.dense(torch.float64)
        wide, leaf = case.logits.double().requires_grad_(), case.logits.clone().requires_grad_()
        rowwise = cross_entropy(wide, written_out(targets, case.logits.shape[1]), case.temperature)
        expected = both(rowwise.sum(), wide)
        found = both(loss(leaf, targets, temperature=case.temperature, reduction="sum"), leaf)
        close(found[0], expected[0], 1e-5)
        for mine, wanted in zip(found[1:], expected[1:]):
            close(mine.double() * case.temperature, wanted * case.temperature, case.tolerance)


def test_row_weights_beyond_single_precision() -> None:
    logits = random_logits(4, 6, dtype=torch.float32).requires_grad_()
    wide, labels = logits.detach().double().requires_grad_(), torch.arange(4)
    for weights in (
        torch.tensor([2e38, 1e38, 2e38, 3e38]),
        torch.tensor([2e60, 1e60, 2e60, 3e60], dtype=torch.float64),
    ):
        rowwise = cross_entropy(wide, written_out(labels, 6))
        expected = both(reduce(rowwise, "mean", weights.double()), wide)
        found = both(loss(logits, labels, row_weights=weights), logits)
        for mine, wanted in zip(found, expected):
            torch.testing.assert_close(mine.double(), wanted, rtol=1e-5, atol=1e-6)


def test_a_class_named_twice_may_have_a_negative_weight() -> None:
    twice = MixedTargets.compact(0.0, [[1, 1], [2, 0]], [[1.5, -0.5], [0.25, 0.75]], 3)
    logits = random_logits(2, 3)
    close(loss(logits, twice), cross_entropy(logits, written_out(twice, 3)).mean(), 1e-12)
    loss(logits, twice)


def test_strided_arguments() -> None:
    logits = random_logits(12, 6).T[:, :12]
    targets = random_targets("dense", 12, 12).T[:6]
    targets = targets / targets.sum(1, keepdim=True)
    leaf = logits.detach().requires_grad_()
    assert leaf.stride(1) != 1 and targets.stride(1) != 1
    wide = logits.detach().clone().requires_grad_()
    for mine, wanted in zip(both(loss(leaf, targets), leaf), both(cross_entropy(wide, targets).mean(), wide)):
        close(mine, wanted, 1e-12)
    labels = torch.arange(24)[::2] % 12
    wanted = cross_entropy(wide, written_out(labels[:6], 12)).mean()
    close(loss(leaf, labels).detach(), wanted.detach(), 1e-12)
    mixed = random_targets("mixed", 6, 12)
    strided = MixedTargets.compact(0.1, mixed.classes.T.contiguous().T, mixed.weights, 12)
    wanted = cross_entropy(wide, written_out(mixed, 12)).mean()
    close(loss(leaf, strided).detach(), wanted.detach(), 1e-12)


def test_the_loss_may_be_changed_in_place() -> None:
    logits = random_logits(4, 6).requires_grad_()
    value = loss(logits, torch.arange(4), reduction="none")
    value *= 3.0
    value.sum().backward()
    wide = logits.detach().clone().requires_grad_()
    (expected,) = torch.autograd.grad(3 * cross_entropy(wide, written_out(torch.arange(4), 6)).sum(), wide)
    close(logits.grad, expected, 1e-12)


BAD: Any = [
    (dict(logits=float("nan")), ValueError, "logits"),
    (dict(logits=float("inf")), ValueError, "logits"),
    (dict(targets=torch.tensor([0, 6, 1, 2])), IndexError, "class"),
    (dict(targets=torch.tensor([0, -1, 1, 2])), IndexError, "class"),
    (dict(targets=torch.full((4, 6), 0.2)), ValueError, "distribution"),
    (dict(targets=MixedTargets.compact(0.0, [[0], [1], [2], [3]], [[0.5]] * 4, 6)), ValueError, "distribution"),
    (dict(row_weights=torch.tensor([1.0, -1.0, 1.0, 1.0])), ValueError, "row_weights"),
    (dict(row_weights=torch.zeros(4)), ValueError, "row_weights"),
    (dict(temperature=torch.tensor(0.0)), ValueError, "temperature"),
    (dict(temperature=torch.tensor(float("nan"))), ValueError, "temperature"),
    (dict(temperature=torch.tensor(1e-45)), ValueError, "temperature"),
    (dict(targets=MixedTargets.compact(0.0, [[0, 1]] * 4, [[1.5, -0.5]] * 4, 6)), ValueError, "distribution"),
]


@pytest.mark.parametrize("change, kind, message", BAD)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_bad_values_are_never_silent(change: Any, kind: type, message: str, reduction: str) -> None:
    logits = random_logits(4, 6, dtype=torch.float32)
    options: Any = {"targets": torch.arange(4), "reduction": reduction, **change}
    if "logits" in change:
        logits[2, 3] = options.pop("logits")
    if reduction == "sum" and message == "row_weights" and float(options["row_weights"].sum()) == 0.0:
        return
    leaf = logits.requires_grad_()
    value = loss(leaf, **options)
    assert value.isnan()
    (gradient,) = torch.autograd.grad(value, leaf)
    assert gradient.isnan().any()
    with pytest.raises(kind, match=message):
        loss(leaf, torch.arange(4))
    # Then it is forgotten.
    assert not loss(leaf.detach().nan_to_num(0.0, 0.0), torch.arange(4)).isnan()


def test_launches() -> None:
    from softnce.torch._triton import launch

    logits = random_logits(4, 6).requires_grad_()
    for targets in (torch.arange(4), random_targets("mixed", 4, 6), random_targets("dense", 4, 6)):
        before = launch.count()
        tau = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
        loss(logits, targets, temperature=tau, row_weights=torch.ones(4)).backward()
        # The fourth is the upstream gradient, which PyTorch fills with 1.
        assert launch.count() - before == 3
