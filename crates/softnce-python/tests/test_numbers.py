"""Numbers of any type as arguments: integer counts and weights, NumPy's integers, empty candidates, narrow teachers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import softnce.numpy as sn
import softnce.torch as losses
from reference import close, info_nce, random_logits, random_targets, reduce, written_out
from softnce.data import Mixup
from softnce.head import InfoNCEHead
from softnce.torch import MixedTargets, SoftTargetCrossEntropy, SoftTargetInfoNCE, TargetQueue

BACKENDS = ["kernel", "tensor"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.uint8, torch.bool])
def test_integer_multiplicities_and_row_weights(backend: str, dtype: torch.dtype) -> None:
    logits, targets = random_logits(3, 5).requires_grad_(), random_targets("mixed", 4, 5)
    counts, weights = torch.tensor([1, 3, 1, 0]).to(dtype), torch.tensor([2, 0, 1]).to(dtype)
    definition = info_nce(logits, written_out(targets, 5), multiplicities=counts.double())
    expected = reduce(definition, "mean", weights.double())
    loss = losses.soft_target_info_nce(logits, targets, multiplicities=counts, row_weights=weights, backend=backend)
    torch.testing.assert_close(loss, expected)
    for found, wanted in zip(torch.autograd.grad(loss, logits), torch.autograd.grad(expected, logits)):
        torch.testing.assert_close(found, wanted)
    rows = written_out(targets, 5).numpy()
    options = {"multiplicities": counts.tolist(), "row_weights": weights.numpy()}
    assert sn.soft_target_info_nce(logits.detach().numpy(), rows, **options) == pytest.approx(expected.item())


@pytest.mark.parametrize("backend", BACKENDS)
def test_unique_classes_with_their_counts(backend: str) -> None:
    labels = torch.tensor([2, 0, 2, 2, 1, 0])
    logits = random_logits(6, 4)
    classes, counts = torch.unique(labels, return_counts=True)
    index = torch.searchsorted(classes, labels)
    merged = losses.info_nce(logits, classes, positives=index, multiplicities=counts, backend=backend)
    torch.testing.assert_close(merged, losses.info_nce(logits, labels, backend=backend))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "empty",
    [[], (), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 4), MixedTargets.hard(torch.zeros(0).long(), 4)],
    ids=["list", "tuple", "labels", "dense", "compact"],
)
def test_empty_candidates_are_none(backend: str, empty: Any) -> None:
    logits, labels, counts = random_logits(3, 4), torch.tensor([0, 3, 1]), torch.tensor([1, 2, 1])
    for options in ({}, {"multiplicities": counts}):
        expected = losses.soft_target_info_nce(logits, labels, backend=backend, **options)
        found = losses.soft_target_info_nce(logits, labels, candidates=empty, backend=backend, **options)
        assert torch.equal(found, expected)
    if isinstance(empty, torch.Tensor):
        empty = empty.numpy()
        found = sn.soft_target_info_nce(logits.numpy(), labels.numpy(), candidates=empty)
        assert found == sn.soft_target_info_nce(logits.numpy(), labels.numpy())


INTEGERS = [np.int64(4), np.int32(4), np.uint8(4), np.array(4), torch.tensor(4)]


@pytest.mark.parametrize("four", INTEGERS, ids=lambda value: type(value).__name__)
def test_integers_of_any_type(four: Any) -> None:
    assert MixedTargets.hard([0, 3], four).num_classes == 4 and type(MixedTargets.hard([0], four).num_classes) is int
    assert MixedTargets.top_k([[0, 1]], [[0.5, 0.3]], four).num_classes == 4
    assert sn.MixedTargets.hard([0, 3], four).num_classes == 4
    queue = TargetQueue(four, four, np.int64(1))
    assert (queue.size, queue.num_classes, list(queue.classes.shape)) == (4, 4, [4, 1])
    assert InfoNCEHead(four, four).weight.shape == (4, 4)
    assert Mixup(num_classes=four).num_classes == 4
    logits, targets = random_logits(1, 4), random_targets("labels", 6, 4)
    expected = losses.soft_target_info_nce(logits, targets, positives=4)
    assert torch.equal(losses.soft_target_info_nce(logits, targets, positives=four), expected)
    assert sn.soft_target_info_nce(logits.numpy(), targets.numpy(), positives=int(four)) == pytest.approx(
        float(expected)
    )


def test_numbers_of_any_type() -> None:
    logits, targets = random_logits(3, 4), random_targets("labels", 3, 4)
    for half in (np.float32(0.5), np.float64(0.5)):
        criterion = SoftTargetInfoNCE(noise_counts=[1, 2, 3, 4], temperature=half, alpha=half)
        other = SoftTargetInfoNCE(noise_counts=[1, 2, 3, 4], temperature=0.5, alpha=0.5)
        assert torch.equal(criterion(logits, targets), other(logits, targets))
    assert MixedTargets.smoothed([0], 3, np.float32(0.5)).uniform == 0.5


TEACHERS = [("float64", 1e-12), ("float32", 1e-6), ("float16", 2e-3)]


@pytest.mark.parametrize("dtype, tolerance", TEACHERS)
def test_teachers_whose_listed_probabilities_round_above_1(dtype: str, tolerance: float) -> None:
    source = np.random.default_rng(0)
    above = 0
    for _ in range(20):
        scores = (source.normal(size=(16, 50)) * 8).astype(dtype)
        teacher = np.exp(scores - scores.max(1, keepdims=True))
        teacher = (teacher / teacher.sum(1, keepdims=True)).astype(dtype)
        classes = np.argsort(-teacher, 1)[:, :20]
        listed = np.take_along_axis(teacher, classes, 1)
        above += int((listed.astype(np.float64).sum(1) > 1).sum())
        made = sn.MixedTargets.top_k(classes, listed, 50)
        rows = made.dense(np.float64)
        np.testing.assert_allclose(rows.sum(1), 1.0, rtol=1e-12)
        np.testing.assert_allclose(np.take_along_axis(rows, classes, 1), listed, rtol=0, atol=tolerance)
        logits = source.normal(size=(16, 50))
        loss = sn.soft_target_info_nce(logits, made)
        expected = info_nce(torch.tensor(logits), torch.tensor(rows)).mean()
        assert loss == pytest.approx(float(expected), rel=1e-9)
        same = MixedTargets.top_k(classes, torch.tensor(listed), 50)
        close(same.dense(torch.float64), torch.tensor(rows), 1e-12)
    assert above > 0 or dtype == "float64"
    with pytest.raises(ValueError, match=r"probabilities\[1\] has a sum of 1.2"):
        sn.MixedTargets.top_k([[0, 1], [0, 1]], [[0.5, 0.5], [0.6, 0.6]], 9)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("learned", [False, True])
def test_the_posterior_is_not_narrow(dtype: torch.dtype, learned: bool) -> None:
    logits = random_logits(4, 6, dtype=dtype)
    for criterion in (
        SoftTargetInfoNCE(temperature=0.5, learn_temperature=learned),
        SoftTargetCrossEntropy(temperature=0.5, learn_temperature=learned).to(torch.float32),
    ):
        found = criterion.posterior(logits)
        assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        expected = torch.softmax(logits.double() / 0.5, 1)
        torch.testing.assert_close(found.double(), expected, rtol=3e-6, atol=1e-9)
