"""Modules: settings, buffers, state, learned temperature, queue, autocast, drop-in use."""

from __future__ import annotations

import copy
import io
import warnings
from typing import Any

import pytest
import torch
from torch import nn

import softnce.torch as losses
from reference import info_nce, random_logits, random_noise, random_targets, written_out
from softnce.torch import InfoNCE, MixedTargets, SoftTargetCrossEntropy, SoftTargetInfoNCE, TargetQueue

BACKENDS = ["kernel", "tensor"]


def test_one_line_in_the_place_of_other_losses() -> None:
    logits, labels = random_logits(6, 5), torch.tensor([0, 1, 2, 3, 4, 0])
    dense = random_targets("dense", 6, 5)
    plain = nn.CrossEntropyLoss()
    torch.testing.assert_close(SoftTargetCrossEntropy()(logits, dense), plain(logits, dense))
    torch.testing.assert_close(SoftTargetCrossEntropy()(logits, labels), plain(logits, labels))
    for criterion in (SoftTargetInfoNCE(), InfoNCE()):
        expected = info_nce(logits, written_out(labels, 5)).mean()
        torch.testing.assert_close(criterion(logits, labels), expected)


def test_settings_reach_the_loss() -> None:
    noise = random_noise(5)
    logits, targets = random_logits(4, 5), random_targets("mixed", 4, 5)
    criterion = SoftTargetInfoNCE(0.5, "sum", noise_probs=noise)
    expected = info_nce(logits, written_out(targets, 5), noise=noise, tau=0.5).sum()
    torch.testing.assert_close(criterion(logits, targets), expected)
    torch.testing.assert_close(criterion.posterior(logits), torch.softmax(logits / 0.5, 1))
    assert "temperature=0.5" in repr(criterion) and "over 5 classes" in repr(criterion)


def test_noise_from_counts_and_its_power() -> None:
    # n = [8, 1, 0]; (n + 1) / sum(n + 1)
    counted = SoftTargetInfoNCE(noise_counts=[8, 1, 0]).noise_probs
    torch.testing.assert_close(counted, torch.tensor([9.0, 2.0, 1.0], dtype=torch.float64) / 12)
    powered = SoftTargetInfoNCE(noise_counts=torch.tensor([8, 1, 0]), alpha=0.5).noise_probs
    root = torch.tensor([9.0, 2.0, 1.0], dtype=torch.float64).sqrt()
    torch.testing.assert_close(powered, root / root.sum())
    bare = SoftTargetInfoNCE(noise_counts=[3, 1], noise_smoothing=0).noise_probs
    torch.testing.assert_close(bare, torch.tensor([0.75, 0.25], dtype=torch.float64))
    flat = SoftTargetInfoNCE(noise_probs=[0.9, 0.1], alpha=0.0).noise_probs
    torch.testing.assert_close(flat, torch.tensor([0.5, 0.5], dtype=torch.float64))


def test_changed_noise_is_not_taken_for_the_old() -> None:
    # The kernels keep distributions; what is written over must be seen.
    logits, labels = random_logits(4, 3), torch.tensor([0, 1, 2, 0])
    criterion = SoftTargetInfoNCE(noise_probs=[0.5, 0.25, 0.25])
    first = criterion(logits, labels)
    criterion.noise_probs.data.copy_(torch.tensor([0.1, 0.2, 0.7]))
    expected = info_nce(logits, written_out(labels, 3), noise=criterion.noise_probs).mean()
    torch.testing.assert_close(criterion(logits, labels), expected)
    assert float(first) != float(expected)


def test_state_and_moves() -> None:
    criterion = SoftTargetInfoNCE(noise_counts=[5, 3, 1], learn_temperature=True, queue=TargetQueue(4, 3))
    criterion(random_logits(3, 3, dtype=torch.float32), torch.tensor([0, 1, 2])).backward()
    state = criterion.state_dict()
    assert {"noise_probs", "log_temperature", "queue.classes", "queue.counts", "queue.place"} <= set(state)
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    fresh = SoftTargetInfoNCE(noise_counts=[1, 1, 1], learn_temperature=True, queue=TargetQueue(4, 3))
    fresh.load_state_dict(torch.load(file, weights_only=True))
    logits, labels = random_logits(2, 3, seed=4), torch.tensor([2, 1])
    fresh.eval(), criterion.eval()
    torch.testing.assert_close(fresh(logits, labels), criterion(logits, labels))

    halved = copy.deepcopy(criterion).half()
    assert halved.noise_probs.dtype == torch.float64 and halved.queue.weights.dtype == torch.float64
    assert halved.log_temperature.dtype == torch.float16
    moved = copy.deepcopy(criterion).to("meta")
    assert moved.noise_probs.device.type == "meta" and moved.queue.classes.device.type == "meta"
    assert SoftTargetInfoNCE().noise_probs is None and "noise_probs" not in SoftTargetInfoNCE().state_dict()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_learned_temperature(backend: str) -> None:
    logits, targets = random_logits(8, 5), random_targets("dense", 8, 5)
    criterion = SoftTargetInfoNCE(temperature=2.0, learn_temperature=True, backend=backend)
    assert [name for name, _ in criterion.named_parameters()] == ["log_temperature"]
    loss = criterion(logits, targets)
    loss.backward()
    log_tau = torch.tensor(2.0, dtype=torch.float64).log().requires_grad_()
    expected = info_nce(logits, written_out(targets, 5), tau=log_tau.exp()).mean()
    expected.backward()
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(criterion.log_temperature.grad.double().reshape(()), log_tau.grad, rtol=1e-5, atol=1e-8)
    optimiser = torch.optim.SGD(criterion.parameters(), lr=10.0)
    before = criterion.temperature.item()
    optimiser.step()
    assert 0 < criterion.temperature.item() != before


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("first", [0, 1])
def test_a_queue_holds_the_last_targets(backend: str, first: int) -> None:
    classes = 6
    queue = TargetQueue(5, classes)
    criterion = SoftTargetInfoNCE(queue=queue, backend=backend)
    past: list = []
    for step in range(4):
        logits = random_logits(3, classes, seed=step).requires_grad_()
        targets = random_targets(["labels", "mixed", "recognised", "smoothed"][step ^ first], 3, classes, step)
        held = torch.cat(past)[-5:] if past else torch.zeros(0, classes, dtype=torch.float64)
        expected = info_nce(logits, torch.cat([written_out(targets, classes), held])).mean()
        loss = criterion(logits, targets)
        torch.testing.assert_close(loss, expected, rtol=1e-7, atol=1e-9)
        for found, wanted in zip(torch.autograd.grad(loss, logits), torch.autograd.grad(expected, logits)):
            torch.testing.assert_close(found, wanted, rtol=1e-7, atol=1e-9)
        past.append(written_out(targets, classes))
    kept = float(queue.counts.sum())
    with torch.no_grad():
        criterion(logits, targets)
    criterion.eval()(logits, targets)
    assert float(queue.counts.sum()) == kept == 5.0 and int(queue.place) == 12 % 5


@pytest.mark.parametrize("backend", BACKENDS)
def test_info_nce_takes_a_queue_of_labels(backend: str) -> None:
    hard, soft = (loss(queue=TargetQueue(5, 4, terms=1), backend=backend) for loss in (InfoNCE, SoftTargetInfoNCE))
    for step in range(4):
        logits, labels = random_logits(3, 4, seed=step), random_targets("labels", 3, 4, step)
        torch.testing.assert_close(hard(logits, labels), soft(logits, labels))
    with pytest.raises(ValueError, match="hard labels or one-hot rows"):
        hard(logits, MixedTargets.smoothed(labels, 4, 0.1))


def test_a_queue_takes_more_than_it_holds_and_refuses_what_it_cannot_hold() -> None:
    queue = TargetQueue(2, 8)
    queue.push(torch.tensor([0, 1, 2, 3]))
    assert sorted(queue.classes[:, 0].tolist()) == [2, 3]
    with pytest.raises(ValueError, match="dense rows"):
        queue.push(random_targets("dense", 2, 8).float())
    with pytest.raises(ValueError, match="3 classes a row, expected at most terms=2"):
        queue.push(random_targets("shares", 2, 8))
    with pytest.raises(ValueError, match=r"expected \[M, 8\]"):
        queue.push(MixedTargets.hard([0], 5))
    with pytest.raises(ValueError, match="keeps targets over 8 classes, expected 3"):
        SoftTargetInfoNCE(queue=queue)(torch.zeros(1, 3), torch.tensor([0]))
    with pytest.raises(ValueError, match="size is 0"):
        TargetQueue(0, 4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("backend", BACKENDS)
def test_autocast(dtype: torch.dtype, backend: str) -> None:
    torch.manual_seed(0)
    model = nn.Linear(8, 10)
    pictures, targets = torch.randn(16, 8), random_targets("mixed", 16, 10)
    criterion = SoftTargetInfoNCE(noise_counts=list(range(1, 11)), learn_temperature=True, backend=backend)
    with torch.autocast("cpu", dtype=dtype):
        logits = model(pictures)
        assert logits.dtype == dtype
        loss = criterion(logits, targets)
    # Single precision, as torch.nn.functional.cross_entropy under autocast.
    assert loss.dtype == torch.float32
    loss.backward()
    expected = info_nce(logits.detach().double(), written_out(targets, 10), noise=criterion.noise_probs).mean()
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-5)
    assert all(parameter.grad is not None and parameter.grad.dtype == torch.float32 for parameter in model.parameters())


def test_loss_scaling_reaches_gradients_below_half_precision() -> None:
    # Mean over many rows: each gradient is below the smallest half, the scaled one is not.
    rows = 4096
    logits = torch.zeros(rows, 3, dtype=torch.float16).requires_grad_()
    labels = torch.zeros(rows, dtype=torch.int64)
    labels[0] = 1
    (plain,) = torch.autograd.grad(InfoNCE()(logits, labels), logits)
    (scaled,) = torch.autograd.grad(InfoNCE()(logits, labels).float() * 2.0**12, logits)
    wide = logits.detach().double().requires_grad_()
    (expected,) = torch.autograd.grad(info_nce(wide, written_out(labels, 3)).mean() * 2.0**12, wide)
    assert float(plain[1].abs().max()) < 1e-6
    torch.testing.assert_close(scaled.double(), expected, rtol=1e-3, atol=1e-6)


def test_one_lambda_for_the_batch_is_warned_of_once() -> None:
    import subprocess
    import sys

    program = """
import warnings, torch
from softnce.torch import MixedTargets, soft_target_info_nce
targets = MixedTargets.mixed([0, 1, 2], [1, 2, 0], 0.7, 3)
logits = torch.zeros(3, 3)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        soft_target_info_nce(logits, targets, backend="{backend}")
        soft_target_info_nce(logits, targets, candidates=torch.tensor([0]), backend="{backend}")
assert [w.category for w in caught] == [UserWarning], caught
assert "one lambda" in str(caught[0].message) and caught[0].filename == "<string>", caught[0]
"""
    for backend in BACKENDS:
        done = subprocess.run(
            [sys.executable, "-c", program.replace("{backend}", backend)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_classifier_learns(backend: str) -> None:
    torch.manual_seed(1)
    centres = torch.randn(5, 8) * 2
    labels = torch.arange(5).repeat(40)
    pictures = centres[labels] + 0.5 * torch.randn(200, 8)
    model, criterion = nn.Linear(8, 5), SoftTargetInfoNCE(noise_counts=torch.bincount(labels), backend=backend)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.05)
    mixed = MixedTargets.smoothed(labels, 5, 0.1)
    for _ in range(60):
        optimiser.zero_grad()
        criterion(model(pictures), mixed).backward()
        optimiser.step()
    assert float((model(pictures).argmax(1) == labels).float().mean()) > 0.97


BAD: Any = [
    (dict(temperature=0.0), "temperature is 0.0"),
    (dict(temperature=float("inf")), "temperature is inf"),
    (dict(reduction="avg"), "reduction is 'avg', expected one of 'none', 'mean', 'sum'"),
    (dict(backend="cuda"), "backend is 'cuda'"),
    (dict(noise_probs=[0.5, 0.6]), "noise_probs has a sum of 1.1"),
    (dict(noise_probs=[1.0, 0.0]), r"noise_probs\[1\] is 0.0, expected a finite number above 0"),
    (dict(noise_probs=[[1.0]]), r"noise_probs has shape \[1, 1\], expected \[d\]"),
    (dict(noise_counts=[1, -1]), r"noise_counts\[1\] is -1.0"),
    (dict(noise_counts=[1, 0], noise_smoothing=0), r"noise_counts\[1\] is 0.0, expected a number above 0"),
    (dict(noise_counts=[1, 0], noise_smoothing=-1), "noise_smoothing is -1"),
    (dict(noise_counts=[1], noise_probs=[1.0]), "both given"),
    (dict(noise_counts=[1, 2], alpha=float("nan")), "alpha is nan"),
    (dict(noise_counts=[1, 10**9], alpha=1e3), "alpha is 1000.0"),
]


@pytest.mark.parametrize("settings, message", BAD)
def test_bad_settings(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SoftTargetInfoNCE(**settings)


def test_no_warning_where_there_is_nothing_to_warn_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses.soft_target_info_nce(torch.zeros(3, 3), MixedTargets.mixed([0, 1, 2], [1, 2, 0], [0.1, 0.4, 0.8], 3))


def test_a_temperature_that_is_set() -> None:
    logits, labels = random_logits(4, 3), torch.tensor([0, 1, 2, 0])
    for learned in (False, True):
        criterion = SoftTargetInfoNCE(learn_temperature=learned)
        criterion.temperature = 0.5
        expected = info_nce(logits, written_out(labels, 3), tau=0.5).mean()
        torch.testing.assert_close(criterion(logits, labels), expected, rtol=1e-6, atol=0)
        with pytest.raises(ValueError, match="temperature is -1"):
            criterion.temperature = -1.0


def test_targets_are_saved_and_loaded() -> None:
    targets, file = random_targets("mixed", 3, 5), io.BytesIO()
    torch.save(targets, file)
    file.seek(0)
    torch.testing.assert_close(torch.load(file, weights_only=True).dense(), targets.dense())


def test_states_of_earlier_revisions() -> None:
    criterion = SoftTargetInfoNCE(learn_temperature=True)
    criterion.load_state_dict({"log_temperature": torch.tensor(-0.5)})
    assert criterion.log_temperature.tolist() == [-0.5] and criterion.temperature.shape == ()
    with pytest.raises(RuntimeError, match="size mismatch"):
        criterion.load_state_dict({"log_temperature": torch.zeros(2)})
