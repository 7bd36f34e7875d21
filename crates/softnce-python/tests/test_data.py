"""MixUp and CutMix: the same as timm's for the same random numbers, and shares that the pixels have."""

from __future__ import annotations

import copy
import pickle
from typing import Any, Dict

import numpy as np
import pytest
import torch

from softnce.data import Mixup
from softnce.torch.targets import MixedTargets

MODES = ("elem", "pair", "batch")
MIXUP: Dict[str, Any] = {}
CUTMIX = {"mixup_alpha": 0.0, "cutmix_alpha": 1.0}
BOTH = {"mixup_alpha": 0.8, "cutmix_alpha": 1.0}
MINMAX = {"mixup_alpha": 0.0, "cutmix_minmax": (0.2, 0.8)}
KINDS = {"mixup": MIXUP, "cutmix": CUTMIX, "both": BOTH, "minmax": MINMAX}

SETTINGS: Dict[str, Dict[str, Any]] = {
    **KINDS,
    "minmax and mixup": {"cutmix_minmax": [0.3, 0.9]},
    "often cutmix": {**BOTH, "switch_prob": 0.9},
    "prob": {**BOTH, "prob": 0.6},
    "prob of mixup": {"mixup_alpha": 0.3, "prob": 0.5},
    "uncorrected": {**BOTH, "correct_lam": False},
    "uncorrected minmax": {**MINMAX, "correct_lam": False},
    "smoothing": {**BOTH, "label_smoothing": 0.25},
}


@pytest.fixture(autouse=True)
def seeded() -> None:
    np.random.seed(3)
    torch.manual_seed(3)


def pictures(count: int, height: int = 13, width: int = 17) -> torch.Tensor:
    return torch.rand(count, 3, height, width)


def numbered(count: int, height: int = 13, width: int = 17) -> torch.Tensor:
    """Picture i is filled with the number i, so that pixels tell where they come from."""
    return torch.arange(float(count))[:, None, None, None].repeat(1, 3, height, width)


def generator(seed: int = 5) -> np.random.RandomState:
    return np.random.RandomState(seed)


# The same as timm ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SETTINGS)
def test_pictures_and_targets_are_timms(mode: str, name: str) -> None:
    timm_data = pytest.importorskip("timm.data")
    options = {**SETTINGS[name], "mode": mode, "num_classes": 7}
    theirs, ours = timm_data.Mixup(**options), Mixup(**options, dense=True)
    changed = 0
    for seed in range(12):
        x, labels = pictures(8), torch.randint(0, 7, (8,))
        np.random.seed(seed)
        expected, expected_targets = theirs(x.clone(), labels)
        expected_next = np.random.rand()
        np.random.seed(seed)
        found, targets = ours(x.clone(), labels)
        assert np.random.rand() == expected_next, "another number of draws"
        torch.testing.assert_close(found, expected, rtol=0, atol=3e-7)
        torch.testing.assert_close(targets, expected_targets, rtol=0, atol=3e-7)
        changed += not torch.equal(found, x)
    assert changed > 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_timms_within_its_rounding(mode: str, dtype: torch.dtype) -> None:
    timm_data = pytest.importorskip("timm.data")
    options = {**BOTH, "mode": mode, "num_classes": 7}
    for seed in range(6):
        x, labels = pictures(8).to(dtype), torch.randint(0, 7, (8,))
        np.random.seed(seed)
        expected, _ = timm_data.Mixup(**options)(x.clone(), labels)
        np.random.seed(seed)
        found, _ = Mixup(**options)(x.clone(), labels)
        assert found.dtype == dtype
        torch.testing.assert_close(found, expected, rtol=0, atol=2 * torch.finfo(dtype).eps)


def test_options_have_timms_names_and_order() -> None:
    timm_data = pytest.importorskip("timm.data")
    import inspect

    theirs = dict(inspect.signature(timm_data.Mixup).parameters)
    ours = dict(inspect.signature(Mixup).parameters)
    assert list(ours)[: len(theirs)] == list(theirs)
    differing = {name for name, option in theirs.items() if ours[name].default != option.default}
    assert differing == {"mode"}


# Shares --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 7, 8])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", [CUTMIX, MINMAX], ids=["cutmix", "minmax"])
def test_cutmix_share_is_the_area_pasted(options: Dict[str, Any], mode: str, count: int) -> None:
    mixup = Mixup(**options, mode=mode, label_smoothing=0.0, num_classes=count)
    pasted = 0
    for _ in range(10):
        x, targets = mixup(numbered(count), torch.arange(count))
        assert isinstance(targets, MixedTargets)
        for row in range(count):
            partner = count - 1 - row
            own = float((x[row] == row).double().mean())
            other = float((x[row] == partner).double().mean())
            assert own + other == pytest.approx(2.0 if partner == row else 1.0, abs=1e-12)
            rows = targets[row].dense(torch.float64)[0]
            assert float(rows[row]) == pytest.approx(own, abs=1e-12)
            assert float(rows[partner]) == pytest.approx(other, abs=1e-12)
            pasted += 0.0 < other < 1.0
    assert (pasted > 0) == (count > 1)


@pytest.mark.parametrize("mode", MODES)
def test_cutmix_pastes_one_rectangle_in_all_channels(mode: str) -> None:
    x, _ = Mixup(**CUTMIX, mode=mode)(numbered(6), torch.arange(6))
    for row in range(6):
        covered = x[row] == 5 - row
        assert torch.equal(covered[0], covered[1]) and torch.equal(covered[0], covered[2])
        high, wide = covered[0].any(1), covered[0].any(0)
        assert torch.equal(covered[0], high[:, None] & wide[None, :])
        for side in (high, wide):
            places = side.nonzero()[:, 0]
            assert len(places) == 0 or len(places) == int(places[-1] - places[0]) + 1


@pytest.mark.parametrize("count", [1, 2, 7, 8])
@pytest.mark.parametrize("mode", MODES)
def test_mixup_pixels_have_the_share_of_the_targets(mode: str, count: int) -> None:
    x = pictures(count).double()
    original = x.clone()
    x, targets = Mixup(mode=mode, label_smoothing=0.0, num_classes=count)(x, torch.arange(count))
    share = targets.weights[:, 0]
    unmixed = count // 2 if mode == "pair" and count % 2 else None
    for row in range(count):
        assert float(share[row]) == 1.0 if row == unmixed else 0.0 < float(share[row]) < 1.0
        expected = share[row] * original[row] + (1.0 - share[row]) * original[count - 1 - row]
        torch.testing.assert_close(x[row], expected, rtol=0, atol=1e-14)


def test_uncorrected_lambda_is_the_one_drawn() -> None:
    options = {**CUTMIX, "label_smoothing": 0.0, "num_classes": 64}
    labels = torch.arange(64)
    drawn = generator().beta(1.0, 1.0, size=64).astype(np.float32)
    _, raw = Mixup(**options, correct_lam=False, rng=generator())(numbered(64), labels)
    _, area = Mixup(**options, rng=generator())(numbered(64), labels)
    assert np.array_equal(raw.weights[:, 0].numpy(), drawn.astype(np.float64))
    # A box cut off by the border covers less, so that more of the own picture is left.
    assert bool((area.weights[:, 0] > raw.weights[:, 0] + 0.1).any())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 5, 6])
def test_rows_sum_to_one(mode: str, kind: str, count: int) -> None:
    mixup = Mixup(**KINDS[kind], mode=mode, num_classes=11)
    _, targets = mixup(pictures(count), torch.randint(0, 11, (count,)))
    rows = targets.dense(torch.float64)
    assert rows.shape == (count, 11)
    assert float(rows.min()) >= 0.1 / 11 - 1e-12
    torch.testing.assert_close(rows.sum(1), torch.ones(count, dtype=torch.float64), rtol=0, atol=1e-12)


def test_every_row_has_its_own_lambda_by_default() -> None:
    _, targets = Mixup()(pictures(32), torch.arange(32))
    assert len(set(targets.weights[:, 0].tolist())) == 32


@pytest.mark.parametrize("count", [6, 7])
def test_what_shares_a_lambda(count: int) -> None:
    def shares(mode: str) -> np.ndarray:
        return Mixup(mode=mode, label_smoothing=0.0)(pictures(count), torch.arange(count))[1].weights[:, 0].numpy()

    pair = shares("pair")
    assert np.array_equal(pair, pair[::-1])
    assert len(set(pair.tolist())) == (count + 1) // 2
    assert len(set(shares("batch").tolist())) == 1
    assert len(set(shares("elem").tolist())) == count


def test_middle_row_of_an_odd_batch() -> None:
    for kind in KINDS.values():
        for mode in MODES:
            x = pictures(5)
            original = x.clone()
            _, targets = Mixup(**kind, mode=mode, label_smoothing=0.0, num_classes=5)(x, torch.arange(5))
            assert torch.equal(x[2], original[2])
            torch.testing.assert_close(targets.dense()[2], torch.eye(5)[2])


def test_a_last_partial_batch_after_whole_ones() -> None:
    mixup = Mixup(**BOTH, num_classes=10, rng=generator())
    for count in (8, 8, 3, 1):
        x, targets = mixup(pictures(count), torch.randint(0, 10, (count,)))
        assert x.shape == (count, 3, 13, 17) and len(targets) == count


def test_a_large_batch_is_mixed_in_blocks_as_a_small_one() -> None:
    # Blocks of 2^19 pixels hold 4 of these pictures.
    x = torch.rand(13, 3, 200, 200)
    rng = generator()
    found, targets = Mixup(**BOTH, label_smoothing=0.0, num_classes=13, rng=rng)(x.clone(), torch.arange(13))
    for row in range(13):
        other = x[12 - row]
        pasted = (found[row] == other).all(0) & (found[row] != x[row]).any(0)
        share = float(targets.weights[row, 0])
        if bool(pasted.any()):
            assert 1.0 - float(pasted.double().mean()) == pytest.approx(share, abs=1e-12)
            assert torch.equal(found[row], torch.where(pasted, other, x[row]))
        else:
            torch.testing.assert_close(found[row], share * x[row] + (1 - share) * other, rtol=0, atol=3e-7)


# Options -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_switched_off_it_only_smooths(mode: str) -> None:
    mixup = Mixup(**BOTH, mode=mode, num_classes=9)
    mixup.mixup_enabled = False
    x, labels = pictures(5), torch.randint(0, 9, (5,))
    original, state = x.clone(), np.random.get_state()[2]
    found, targets = mixup(x, labels)
    assert found is x and torch.equal(x, original)
    assert np.random.get_state()[2] == state
    torch.testing.assert_close(targets.dense(), MixedTargets.smoothed(labels, 9, 0.1).dense())
    mixup.mixup_enabled = True
    assert not torch.equal(mixup(x, labels)[0], original)


def test_probabilities() -> None:
    labels = torch.arange(64)
    for prob, mixed in ((0.0, 0), (1.0, 64)):
        _, targets = Mixup(prob=prob, label_smoothing=0.0)(pictures(64), labels)
        assert int((targets.weights[:, 0] < 1.0).sum()) == mixed
    _, targets = Mixup(prob=0.5, label_smoothing=0.0)(pictures(64), labels)
    assert 16 < int((targets.weights[:, 0] < 1.0).sum()) < 48

    def pasted(switch_prob: float) -> int:
        x, _ = Mixup(**BOTH, switch_prob=switch_prob)(numbered(64, 32, 32), labels)
        whole = (x == x.round()).flatten(1).all(1)
        return int(whole.sum())

    assert pasted(0.0) == 0
    assert pasted(1.0) == 64
    assert 16 < pasted(0.5) < 48


def test_minmax_bounds_the_box() -> None:
    mixup = Mixup(mixup_alpha=0.0, cutmix_minmax=(0.25, 0.5))
    assert mixup.cutmix_alpha == 1.0
    x, _ = mixup(numbered(64, 16, 24), torch.arange(64))
    for row in range(64):
        covered = x[row, 0] == 63 - row
        high, wide = int(covered.any(1).sum()), int(covered.any(0).sum())
        assert 4 <= high < 8 and 6 <= wide < 12


def test_minmax_on_a_picture_with_one_size_in_range() -> None:
    mixup = Mixup(mixup_alpha=0.0, cutmix_minmax=(0.5, 0.6), label_smoothing=0.0)
    x, targets = mixup(numbered(2, 4, 4), torch.arange(2))
    assert int((x[0, 0] == 1).sum()) == 4
    assert targets.weights[:, 0].tolist() == [0.75, 0.75]


def test_own_generator_is_independent_of_the_global_one() -> None:
    x, labels = pictures(6), torch.arange(6)

    def run(seed: int) -> torch.Tensor:
        return Mixup(**BOTH, rng=generator(seed))(x.clone(), labels)[0]

    np.random.seed(0)
    before = np.random.get_state()[1:3]
    first = run(5)
    after = np.random.get_state()[1:3]
    assert before[1] == after[1] and np.array_equal(before[0], after[0])
    np.random.seed(1)
    assert torch.equal(run(5), first)
    assert not torch.equal(run(6), first)
    np.random.seed(5)
    assert torch.equal(Mixup(**BOTH)(x.clone(), labels)[0], first), "the global generator draws the same with that seed"


@pytest.mark.parametrize("rng", [None, generator()], ids=["global", "own"])
def test_it_can_be_copied_and_pickled(rng: Any) -> None:
    mixup = Mixup(**BOTH, num_classes=6, rng=rng)
    x, labels = pictures(6), torch.arange(6)
    results = []
    for again in (copy.deepcopy(mixup), pickle.loads(pickle.dumps(mixup))):
        np.random.seed(8)
        results.append(again(x.clone(), labels)[0])
    assert torch.equal(*results)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("dense", [False, True])
def test_what_is_returned(dtype: torch.dtype, dense: bool) -> None:
    x, labels = pictures(4).to(dtype), torch.tensor([0, 3, 3, 1])
    found, targets = Mixup(**BOTH, num_classes=5, dense=dense)(x, labels)
    assert found is x and found.dtype == dtype
    if dense:
        assert targets.shape == (4, 5) and targets.dtype == torch.float32
    else:
        assert isinstance(targets, MixedTargets)
        assert targets.classes.tolist() == [[0, 1], [3, 3], [3, 3], [1, 0]]
        assert targets.weights.dtype == torch.float64 and targets.num_classes == 5
        assert targets.uniform == 0.1


def test_dense_is_the_compact_form_written_out() -> None:
    x, labels = pictures(7), torch.randint(0, 5, (7,))
    _, compact = Mixup(**BOTH, num_classes=5, rng=generator())(x.clone(), labels)
    _, dense = Mixup(**BOTH, num_classes=5, rng=generator(), dense=True)(x.clone(), labels)
    assert torch.equal(compact.dense(), dense)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_blends_in_single_precision(dtype: torch.dtype) -> None:
    x, labels = pictures(8).to(dtype), torch.arange(8)
    expected, _ = Mixup(**BOTH, rng=generator())(x.float(), labels)
    found, _ = Mixup(**BOTH, rng=generator())(x.clone(), labels)
    assert torch.equal(found, expected.to(dtype))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["channels_last", "transposed", "every other row", "part of a picture"])
def test_memory_layouts(mode: str, kind: str, layout: str) -> None:
    plain = pictures(6)
    if layout == "channels_last":
        x = plain.clone().contiguous(memory_format=torch.channels_last)
    elif layout == "transposed":
        x = plain.clone().transpose(2, 3).contiguous().transpose(2, 3)
    elif layout == "every other row":
        x = plain.repeat_interleave(2, 0)[::2]
    else:
        x = torch.nn.functional.pad(plain, (1, 2, 3, 4))[:, :, 3:-4, 1:-2]
    assert torch.equal(x, plain) and x.stride() != plain.stride()
    stride, labels = x.stride(), torch.arange(6)
    expected, _ = Mixup(**KINDS[kind], mode=mode, rng=generator())(plain, labels)
    found, _ = Mixup(**KINDS[kind], mode=mode, rng=generator())(x, labels)
    assert found is x and found.stride() == stride
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 4])
def test_any_number_of_channels(channels: int) -> None:
    x, _ = Mixup(**CUTMIX)(torch.rand(4, channels, 9, 8), torch.arange(4))
    assert x.shape == (4, channels, 9, 8)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8])
def test_labels_of_any_integer_type(dtype: torch.dtype) -> None:
    labels = torch.tensor([4, 0, 2, 1, 3])
    expected = Mixup(num_classes=5, rng=generator(), dense=True)(pictures(5), labels)[1]
    assert torch.equal(Mixup(num_classes=5, rng=generator(), dense=True)(pictures(5), labels.to(dtype))[1], expected)


# PyTorch says once a process that the debug mode is a prototype.
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("mode", MODES)
def test_on_cuda_as_on_the_cpu(mode: str) -> None:
    x, labels = pictures(7), torch.randint(0, 9, (7,))
    expected, rows = Mixup(**BOTH, mode=mode, num_classes=9, rng=generator(), dense=True)(x.clone(), labels)
    mixup = Mixup(**BOTH, mode=mode, num_classes=9, rng=generator())
    x, labels = x.cuda(), labels.cuda()
    mixup(x.clone(), labels)
    mixup.rng = generator()
    torch.cuda.set_sync_debug_mode("error")
    try:
        found, targets = mixup(x, labels)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert targets.device == labels.device
    torch.testing.assert_close(found.cpu(), expected, rtol=0, atol=3e-7)
    torch.testing.assert_close(targets.dense().cpu(), rows, rtol=0, atol=1e-7)


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"mixup_alpha": -0.5}, ValueError, "mixup_alpha is -0.5, expected a finite number of at least 0"),
        ({"mixup_alpha": float("nan")}, ValueError, "mixup_alpha is nan"),
        ({"cutmix_alpha": float("inf")}, ValueError, "cutmix_alpha is inf"),
        ({"cutmix_alpha": -1}, ValueError, "cutmix_alpha is -1"),
        ({"mixup_alpha": "1"}, TypeError, "mixup_alpha is '1', expected a number"),
        ({"mixup_alpha": 0.0}, ValueError, "mixup_alpha and cutmix_alpha are 0 and cutmix_minmax is None"),
        ({"prob": 1.5}, ValueError, "prob is 1.5, expected a share from 0 to 1"),
        ({"prob": float("nan")}, ValueError, "prob is nan"),
        ({"switch_prob": -0.1}, ValueError, "switch_prob is -0.1"),
        ({"switch_prob": None}, TypeError, "switch_prob is None, expected a number"),
        ({"label_smoothing": 1.01}, ValueError, "label_smoothing is 1.01"),
        ({"mode": "half"}, ValueError, "mode is 'half', expected one of 'batch', 'pair', 'elem'"),
        ({"cutmix_minmax": (0.2,)}, ValueError, r"cutmix_minmax is \(0.2,\), expected two increasing numbers"),
        ({"cutmix_minmax": (0.8, 0.2)}, ValueError, r"cutmix_minmax is \(0.8, 0.2\)"),
        ({"cutmix_minmax": (0.3, 0.3)}, ValueError, r"cutmix_minmax is \(0.3, 0.3\)"),
        ({"cutmix_minmax": (0.2, 1.2)}, ValueError, r"cutmix_minmax is \(0.2, 1.2\)"),
        ({"cutmix_minmax": (-0.1, 0.2)}, ValueError, r"cutmix_minmax is \(-0.1, 0.2\)"),
        ({"cutmix_minmax": (0.2, float("nan"))}, ValueError, r"cutmix_minmax is \(0.2, nan\)"),
        ({"cutmix_minmax": 0.2}, TypeError, "cutmix_minmax is 0.2, expected two numbers"),
        ({"cutmix_minmax": "ab"}, TypeError, "cutmix_minmax is 'ab', expected two numbers"),
        ({"num_classes": 0}, ValueError, "num_classes is 0, expected at least 1"),
        ({"num_classes": 10.0}, TypeError, "num_classes is 10.0, expected an integer"),
        ({"multi_label": True}, ValueError, "multi_label is True, expected False"),
        ({"rng": np.random.default_rng(0)}, TypeError, "rng is a Generator, expected a numpy.random.RandomState"),
    ],
)
def test_bad_options(options: Dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        Mixup(**options)


@pytest.mark.parametrize(
    "x, targets, error, message",
    [
        (torch.rand(3), torch.arange(3), ValueError, r"x has shape \[3\], expected \[N, ...\], none of them 0"),
        (torch.rand(0, 3, 8, 8), torch.arange(0), ValueError, r"x has shape \[0, 3, 8, 8\]"),
        (torch.rand(2, 3, 0, 8), torch.arange(2), ValueError, r"x has shape \[2, 3, 0, 8\]"),
        (
            torch.zeros(2, 8, dtype=torch.bool),
            torch.arange(2),
            TypeError,
            "x has dtype torch.bool, expected floats or in",
        ),
        (torch.zeros(2, 8, dtype=torch.complex64), torch.arange(2), TypeError, "x has dtype torch.complex64"),
        (np.zeros((2, 3, 8, 8)), torch.arange(2), TypeError, "x is a ndarray, expected a tensor"),
        (torch.rand(2, 3, 8, 8), torch.arange(3), ValueError, r"targets has shape \[3\], expected \[2\]"),
        (torch.rand(2, 3, 8, 8), torch.tensor(1), ValueError, r"targets has shape \[\], expected \[2\]"),
        (torch.rand(2, 3, 8, 8), torch.zeros(2, 5).long(), ValueError, r"targets has shape \[2, 5\], expected \[2\]"),
        (
            torch.rand(2, 3, 8, 8),
            torch.rand(2, 4),
            ValueError,
            r"targets has shape \[2, 4\], expected \[2, 5\], the prob",
        ),
        (torch.rand(2, 8), MixedTargets.hard([0, 1], 4), ValueError, r"targets has shape \[2, 4\], expected \[2, 5\]"),
        (torch.rand(2, 8), MixedTargets.hard([0], 5), ValueError, r"targets has shape \[1, 5\], expected \[2, 5\]"),
        (torch.rand(2, 3, 8, 8), torch.tensor([True, False]), TypeError, "targets has dtype torch.bool"),
        (torch.rand(2, 3, 8, 8), [0, 1], TypeError, "targets is a list, expected a tensor"),
    ],
)
def test_bad_batches(x: Any, targets: Any, error: type, message: str) -> None:
    state = np.random.get_state()[2]
    with pytest.raises(error, match=message):
        Mixup(num_classes=5)(x, targets)
    assert np.random.get_state()[2] == state, "nothing is drawn for a batch that is refused"
