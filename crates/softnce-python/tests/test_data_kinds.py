"""MixUp and CutMix of tables, audio, videos and integer images, and of soft labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from reference import info_nce, random_logits, random_targets, written_out
from softnce.data import Mixup
from softnce.torch import MixedTargets, soft_target_info_nce

SHAPES = {
    "table": (6, 11),
    "audio": (6, 2, 50),
    "image": (6, 3, 9, 8),
    "video": (6, 3, 4, 9, 8),
    "tokens": (5, 7),
}
DTYPES = [torch.float32, torch.bfloat16, torch.uint8, torch.int16, torch.int64]


def generator() -> np.random.RandomState:
    return np.random.RandomState(5)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["elem", "pair", "batch"])
def test_mixup_of_any_tensor(shape: Any, dtype: torch.dtype, mode: str) -> None:
    rows = shape[0]
    x = torch.randint(0, 120, shape).to(dtype) if not dtype.is_floating_point else torch.rand(shape).to(dtype)
    original = x.double()
    found, targets = Mixup(mode=mode, label_smoothing=0.0, num_classes=rows, rng=generator())(x, torch.arange(rows))
    assert found is x and x.dtype == dtype
    share = targets.weights[:, 0].reshape(-1, *[1] * (len(shape) - 1))
    expected = share * original + (1 - share) * original.flip(0)
    if not dtype.is_floating_point:
        expected = expected.round()
    # A value near a half may be rounded to either side in single precision.
    tolerance = {torch.float32: 1e-6, torch.bfloat16: 5e-3, torch.int64: 0.0}.get(dtype, 0.0)
    torch.testing.assert_close(x.double(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{"cutmix_alpha": 1.0}, {"cutmix_minmax": (0.2, 0.7)}], ids=["alpha", "minmax"])
def test_cutmix_takes_a_box_of_the_last_dimensions(shape: Any, dtype: torch.dtype, options: Any) -> None:
    rows = shape[0]
    x = torch.arange(rows).reshape(-1, *[1] * (len(shape) - 1)).expand(shape).clone().to(dtype)
    mixup = Mixup(0.0, **options, label_smoothing=0.0, num_classes=rows, rng=generator())
    _, targets = mixup(x, torch.arange(rows))
    dimensions = 2 if len(shape) >= 4 else 1
    pasted = 0
    for row in range(rows):
        other = (x[row] == rows - 1 - row).reshape(-1, *shape[-dimensions:])
        if rows - 1 - row == row:
            continue
        assert bool((other == other[0]).all()), "the same in all channels and frames"
        sides = [other[0]] if dimensions == 1 else [other[0].any(1), other[0].any(0)]
        box = sides[0] if dimensions == 1 else sides[0][:, None] & sides[1]
        assert torch.equal(other[0], box)
        for side in sides:
            places = side.nonzero()[:, 0]
            assert len(places) == 0 or len(places) == int(places[-1] - places[0]) + 1, "one interval"
        assert float(targets.weights[row, 1]) == pytest.approx(float(other.double().mean()), abs=1e-12)
        pasted += bool(other.any())
    assert pasted > rows // 2


def test_an_interval_has_the_length_of_its_share() -> None:
    drawn = generator().beta(1.0, 1.0, size=64).astype(np.float32)
    _, targets = Mixup(0.0, 1.0, correct_lam=False, label_smoothing=0.0, num_classes=64, rng=generator())(
        torch.zeros(64, 1000), torch.arange(64)
    )
    assert np.array_equal(targets.weights[:, 0].numpy(), drawn.astype(np.float64))
    x = torch.arange(64.0)[:, None].repeat(1, 1000)
    _, targets = Mixup(0.0, 1.0, label_smoothing=0.0, num_classes=64, rng=generator())(x, torch.arange(64))
    lengths = (x == torch.arange(63.0, -1.0, -1.0)[:, None]).sum(1)
    # The border cuts some of them off.
    assert bool((lengths <= 1000 * (1 - torch.tensor(drawn)) + 1).all())
    whole = lengths >= 1000 * (1 - torch.tensor(drawn)) - 2
    assert 10 < int(whole.sum()) < 64


@pytest.mark.parametrize("form", ["smoothed", "mixed", "shares", "dense", "recognised"])
@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_soft_labels(form: str, dense: bool, smoothing: float) -> None:
    rows, classes = 7, 6
    given = random_targets(form, rows, classes)
    mixup = Mixup(0.8, 1.0, label_smoothing=smoothing, num_classes=classes, dense=dense, rng=generator())
    _, targets = mixup(torch.rand(rows, 3, 9, 8), given)
    same = Mixup(0.8, 1.0, label_smoothing=0.0, num_classes=rows, rng=generator())
    share = same(torch.rand(rows, 3, 9, 8), torch.arange(rows))[1].weights[:, :1]
    plain = written_out(given, classes)
    expected = (1 - smoothing) * (share * plain + (1 - share) * plain.flip(0)) + smoothing / classes
    compact = isinstance(given, MixedTargets) and not dense
    assert isinstance(targets, MixedTargets) == compact
    found = targets.dense(torch.float64) if compact else targets
    assert found.dtype == (torch.float32 if dense and isinstance(given, MixedTargets) else torch.float64)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-6 if found.dtype == torch.float32 else 1e-12)
    logits = random_logits(rows, classes)
    loss = soft_target_info_nce(logits, targets)
    torch.testing.assert_close(loss, info_nce(logits, expected).mean(), rtol=1e-6, atol=1e-7)


def test_soft_labels_without_mixing_and_in_half_precision() -> None:
    mixup = Mixup(num_classes=5, label_smoothing=0.1)
    mixup.mixup_enabled = False
    given = torch.softmax(torch.randn(3, 5), 1).half()
    targets = mixup(torch.rand(3, 4), given)[1]
    assert targets.dtype == torch.float32
    torch.testing.assert_close(targets, 0.9 * given.float() + 0.02)
