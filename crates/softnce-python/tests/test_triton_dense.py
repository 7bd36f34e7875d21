"""Soft target InfoNCE over dense rows by Triton kernels, run by Triton's interpreter, against the definition."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import softnce.torch as losses
from reference import (
    TOLERANCE,
    both,
    check_large_scores,
    close,
    generator,
    info_nce,
    random_logits,
    random_noise,
    random_targets,
    reduce,
    thinned,
)
from softnce.torch._devices import INTERPRETED

pytestmark = [
    pytest.mark.skipif(not INTERPRETED, reason="needs TRITON_INTERPRET=1"),
    # The interpreter computes with NumPy, which warns where a device gives infinity or NaN.
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]


def loss(logits: Any, targets: Any, **options: Any) -> Any:
    return losses.soft_target_info_nce(logits, targets, backend="triton", recognise=False, **options)


def counted(size: int) -> torch.Tensor:
    return torch.randint(0, 3, (size,), generator=generator(4)).double().index_fill_(0, torch.arange(1), 1.0)


@pytest.mark.parametrize(
    "chunk, dtype, reduction, options", thinned(3, [1 << 24, 64], TOLERANCE, ["none", "mean", "sum"], [False, True])
)
def test_values_and_gradients(chunk: int, dtype: torch.dtype, reduction: str, options: bool, monkeypatch: Any) -> None:
    from softnce.torch._triton import dense

    monkeypatch.setattr(dense, "CHUNK", chunk)
    shapes = [(1, 1, 3), (3, 17, 5), (5, 33, 37), (4, 20, 16)]
    rows, size, classes = shapes[(len(str(dtype)) + len(reduction) + options) % len(shapes)]
    logits = random_logits(rows, classes, dtype=dtype).requires_grad_()
    tau = torch.tensor(0.7, dtype=torch.float64, requires_grad=options)
    # Sums that are not exactly 1: rows are divided by them.
    targets = random_targets("dense", size, classes) * 1.00005
    exact = targets / targets.sum(1, keepdim=True)
    rest: Any = {}
    if options:
        rest = {"noise": random_noise(classes), "multiplicities": counted(size)}
        rest["positives"] = torch.randint(size, (rows,), generator=generator(3))
        rest["multiplicities"][rest["positives"][0]] = 0.0
    weights = torch.rand(rows, dtype=torch.float64, generator=generator(5)) + 0.1 if options else None
    upstream = torch.randn(rows if reduction == "none" else (), dtype=torch.float64, generator=generator(6))
    wide = logits.detach().double().requires_grad_()
    if options and size == 1:
        rest["multiplicities"] = None
    inputs = (wide, tau) if options else (wide,)
    rowwise = info_nce(wide, exact, tau=tau, **rest)
    expected = both(reduce(rowwise, reduction, weights), *inputs, upstream=upstream)
    noise = {"noise_probs": rest.pop("noise")} if options else {}
    value = loss(
        logits,
        targets.to(dtype) if dtype == torch.float32 else targets,
        row_weights=weights,
        temperature=tau if options else 0.7,
        reduction=reduction,
        **rest,
        **noise,
    )
    sums = torch.float64 if dtype == torch.float64 else torch.float32
    assert value.dtype == sums
    found = both(value, logits, *inputs[1:], upstream=upstream.to(sums))
    for name, mine, wanted in zip(("loss", "logits", "temperature"), found, expected):
        close(mine, wanted, TOLERANCE[dtype if name == "logits" else sums])


@pytest.mark.parametrize("chunk", [1 << 24, 64])
def test_several_segments_and_an_offset(chunk: int, monkeypatch: Any) -> None:
    from softnce.torch._triton import dense

    monkeypatch.setattr(dense, "CHUNK", chunk)
    logits = random_logits(4, 9).requires_grad_()
    parts = [random_targets("dense", size, 9, size) for size in (7, 5, 18)]
    counts = counted(30)
    expected = both(
        info_nce(logits, torch.cat(parts), positives=torch.arange(2, 6), multiplicities=counts).mean(), logits
    )
    value = loss(logits, parts[0], candidates=parts[1:], positives=2, multiplicities=counts)
    for mine, wanted in zip(both(value, logits), expected):
        close(mine, wanted, 1e-12)


def test_the_positives_probability_near_one_keeps_its_gradient() -> None:
    logits = torch.zeros(2, 6)
    logits[0, 0], logits[1, 1] = 14.0, 13.0
    targets = torch.eye(6)
    wide = logits.double().requires_grad_()
    expected = both(info_nce(wide, targets.double()).sum(), wide)
    leaf = logits.clone().requires_grad_()
    for mine, wanted in zip(both(loss(leaf, targets, reduction="sum"), leaf), expected):
        torch.testing.assert_close(mine.double(), wanted, rtol=1e-5, atol=0)


def test_large_logits() -> None:
    logits = (random_logits(3, 6) * 10 + 1e6).float().requires_grad_()
    targets = random_targets("dense", 5, 6)
    wide = logits.detach().double().requires_grad_()
    expected = both(info_nce(wide, targets).mean(), wide)
    for mine, wanted in zip(both(loss(logits, targets), logits), expected):
        close(mine, wanted, 1e-5)


@pytest.mark.parametrize("chunk", [1 << 24, 64])
def test_large_scores(chunk: int, monkeypatch: Any) -> None:
    from softnce.torch._triton import dense

    monkeypatch.setattr(dense, "CHUNK", chunk)
    check_large_scores(loss, "dense")


BAD: Any = [
    ({"logits": float("nan")}, "logits"),
    ({"logits": float("inf")}, "logits"),
    ({"targets": torch.full((4, 6), 0.2)}, "distribution"),
    ({"multiplicities": torch.tensor([1.0, -1.0, 1.0, 1.0])}, "multiplicities"),
    ({"multiplicities": torch.zeros(4)}, "multiplicities"),
    ({"positives": torch.tensor([0, 1, 2, 4])}, "positives"),
    ({"positives": torch.tensor([0, -1, 2, 3])}, "positives"),
    ({"temperature": torch.tensor(-1.0)}, "temperature"),
    ({"temperature": torch.tensor(1e-45)}, "temperature"),
    ({"noise_probs": torch.tensor([0.5, 0.5, 0.0, 0.0, 0.0, 0.0])}, "noise_probs"),
    ({"noise_probs": torch.full((6,), 0.5)}, "noise_probs"),
    ({"row_weights": torch.tensor([1.0, float("nan"), 1.0, 1.0])}, "row_weights"),
]


@pytest.mark.parametrize("change, message", BAD)
def test_bad_values_are_never_silent(change: Any, message: str) -> None:
    logits = random_logits(4, 6, dtype=torch.float32)
    options = {"targets": random_targets("dense", 4, 6), **change}
    if "logits" in change:
        logits[2, 3] = options.pop("logits")
    leaf = logits.requires_grad_()
    value = loss(leaf, **options)
    assert value.isnan()
    (gradient,) = torch.autograd.grad(value, leaf)
    assert gradient.isnan().any()
    with pytest.raises((ValueError, IndexError), match=message):
        loss(leaf, random_targets("dense", 4, 6))


def test_launches() -> None:
    from softnce.torch._triton import launch

    logits = random_logits(4, 6).requires_grad_()
    before = launch.count()
    tau = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    loss(logits, random_targets("dense", 4, 6), temperature=tau, row_weights=torch.ones(4)).backward()
    # Besides two products and the upstream gradient, which PyTorch fills with 1: eight.
    assert launch.count() - before == 5
