"""What the losses on NumPy arrays take: candidates in every form, layouts, MixedTargets, noise."""

from __future__ import annotations

import tracemalloc
from typing import Any, Callable, List

import numpy as np
import pytest

import softnce.numpy as sn
from numpy_reference import (
    CLASSES,
    ROWS,
    TOLERANCE,
    Array,
    close,
    everything,
    float_type,
    info_nce,
    random,
    random_logits,
    random_targets,
    written_out,
)
from softnce.numpy import MixedTargets

# How candidates and positives may be handed over ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "candidates, written",
    [
        (None, []),
        ([], []),
        ((), []),
        ([3, 1], [[3, 1]]),
        ((3, 1), [[3, 1]]),
        (np.array([3, 1]), [[3, 1]]),
        ([np.int64(3), np.int64(1)], [[3, 1]]),
        ([[0.5, 0.5, 0, 0, 0, 0]], [[[0.5, 0.5, 0, 0, 0, 0]]]),
        ([np.array([3, 1]), [4]], [[3, 1], [4]]),
        ([MixedTargets.hard([3, 1], CLASSES)], [[3, 1]]),
        (MixedTargets.hard([3, 1], CLASSES), [[3, 1]]),
        ((np.eye(CLASSES)[[3]], np.array([1], np.uint8)), [[3], [1]]),
    ],
)
def test_forms_of_candidates(candidates: Any, written: List[Any]) -> None:
    logits, targets = random_logits(), random_targets("labels")
    rows = np.concatenate([written_out(targets), *map(written_out, written)])
    close(sn.soft_target_info_nce(logits, targets, candidates=candidates), info_nce(logits, rows).losses.mean(), 1e-12)


@pytest.mark.parametrize("positives", [2, np.int32(2), np.array(2), np.arange(2, 5), [2, 3, 4]])
def test_forms_of_positives(positives: Any) -> None:
    logits, targets = random_logits(3), random_targets("dense")
    expected = info_nce(logits, targets, positives=np.arange(2, 5)).losses.mean()
    close(sn.soft_target_info_nce(logits, targets, positives=positives), expected, 1e-12)


def test_results_have_the_documented_types() -> None:
    logits, targets = random_logits().astype(np.float32), random_targets("labels")
    assert isinstance(sn.soft_target_info_nce(logits, targets), np.float32)
    assert isinstance(sn.soft_target_info_nce(logits.tolist(), targets), np.float64)
    by_row = sn.info_nce(logits, targets, reduction="none")
    assert isinstance(by_row, np.ndarray) and by_row.shape == (ROWS,) and by_row.dtype == np.float32
    result = sn.soft_target_cross_entropy_and_gradient(logits, targets)
    assert isinstance(result, sn.LossAndGradient) and isinstance(result.temperature_gradient, float)
    assert result._fields == ("loss", "logits_gradient", "temperature_gradient")
    assert result.logits_gradient.flags.c_contiguous and result.logits_gradient.flags.writeable


# Layouts --------------------------------------------------------------------------------------------------------------


def strided(array: Array) -> Array:
    """Every other entry of every axis of a larger array."""
    larger = np.zeros([2 * length for length in array.shape], array.dtype)
    out = larger[tuple(slice(None, None, 2) for _ in array.shape)]
    out[...] = array
    return out


def backwards(array: Array) -> Array:
    turn = tuple(slice(None, None, -1) for _ in array.shape)
    return np.ascontiguousarray(array[turn])[turn]


def read_only(array: Array) -> Array:
    out = array.copy()
    out.flags.writeable = False
    return out


def unaligned(array: Array) -> Array:
    memory = np.zeros(array.nbytes + 1, np.uint8)
    out = np.ndarray(array.shape, array.dtype, memory.data, 1)
    out[...] = array
    return out


def field(array: Array) -> Array:
    """A field of records whose size is no multiple of the field's."""
    record = np.dtype([("value", array.dtype), ("rest", np.int8, array.itemsize // 2)])
    out = np.zeros(array.shape, record)["value"]
    out[...] = array
    return out


def swapped(array: Array) -> Array:
    return array.astype(array.dtype.newbyteorder("S"))


LAYOUTS = {
    "fortran": np.asfortranarray,
    "strided": strided,
    "backwards": backwards,
    "read-only": read_only,
    "unaligned": unaligned,
    "field": field,
    "swapped": swapped,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "list": lambda array: array.tolist(),
}


def test_layouts_are_what_they_are_called() -> None:
    array = random_logits()
    assert not LAYOUTS["fortran"](array).flags.c_contiguous
    assert min(LAYOUTS["backwards"](array).strides) < 0
    assert not LAYOUTS["unaligned"](array).flags.aligned
    assert not LAYOUTS["read-only"](array).flags.writeable
    assert LAYOUTS["strided"](array).strides == (2 * 8 * 2 * CLASSES, 16)
    assert LAYOUTS["field"](array).strides[1] % 8 == 4
    assert not LAYOUTS["swapped"](array).dtype.isnative


def in_layout(targets: Any, layout: Callable[[Array], Any]) -> Any:
    if not isinstance(targets, MixedTargets):
        return layout(np.asarray(targets))
    uniform = layout(targets.uniform) if isinstance(targets.uniform, np.ndarray) else targets.uniform
    return MixedTargets.compact(uniform, layout(targets.classes), layout(targets.weights), targets.num_classes)


@pytest.mark.parametrize("form", ["labels", "mixed", "shares", "dense"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_array_may_lie_as_it_likes(name: str, form: str) -> None:
    layout, logits, targets = LAYOUTS[name], random_logits(), random_targets(form)
    further, options = random_targets("mixed", 3, seed=6), everything(ROWS + 3)
    upstream = random(8).standard_normal(ROWS)
    plain = sn.soft_target_info_nce_and_gradient(
        logits, targets, candidates=further, reduction="none", upstream=upstream, **options
    )
    moved = {key: layout(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    found = sn.soft_target_info_nce_and_gradient(
        layout(logits),
        in_layout(targets, layout),
        candidates=in_layout(further, layout),
        reduction="none",
        upstream=layout(upstream),
        **moved,
    )
    for part, expected in zip(found, plain):
        close(part, expected, 1e-14)
    assert found.loss.dtype.isnative and found.logits_gradient.dtype.isnative


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_heads_arrays_may_lie_as_they_like(name: str) -> None:
    layout, source, targets = LAYOUTS[name], random(11), random_targets("mixed")
    arrays = [source.standard_normal(shape) for shape in ((ROWS, 4), (CLASSES, 4), (CLASSES,))]
    plain = sn.head_loss_and_gradient(arrays[0], arrays[1], targets, bias=arrays[2])
    features, weight, bias = map(layout, arrays)
    for part, expected in zip(sn.head_loss_and_gradient(features, weight, targets, bias=bias), plain):
        close(part, expected, 1e-14)


@pytest.mark.parametrize("name", ["float16", "float32", "bfloat16"])
@pytest.mark.parametrize("layout", [strided, backwards, unaligned, np.asfortranarray])
def test_narrow_types_may_lie_as_they_like(name: str, layout: Callable[[Array], Any]) -> None:
    logits, targets = random_logits().astype(float_type(name)), random_targets("labels")
    assert sn.info_nce(layout(logits), targets) == sn.info_nce(logits, targets)


def test_broadcast_and_overlapping_arrays() -> None:
    targets = random_targets("labels")
    row = random_logits(1)
    same = np.broadcast_to(row, (ROWS, CLASSES))
    assert sn.info_nce(same, targets) == sn.info_nce(same.copy(), targets)
    windows = np.lib.stride_tricks.sliding_window_view(random(4).standard_normal(ROWS + CLASSES - 1), CLASSES)
    assert sn.info_nce(windows, targets) == sn.info_nce(windows.copy(), targets)
    weights = np.broadcast_to(np.array(2.0), ROWS)
    plain = sn.info_nce(windows, targets, row_weights=weights.copy())
    assert sn.info_nce(windows, targets, row_weights=weights) == plain


def test_axes_of_one_entry_may_have_any_step() -> None:
    row = random_logits(1)[::-1]
    assert row.strides[0] < 0
    assert sn.info_nce(row, [0], candidates=[1]) == sn.info_nce(row.copy(), [0], candidates=[1])


@pytest.mark.parametrize(
    "layout, copied",
    [(np.asfortranarray, False), (strided, False), (read_only, False), (backwards, True), (swapped, True)],
)
def test_strided_arrays_are_used_in_place(layout: Callable[[Array], Any], copied: bool) -> None:
    logits, labels = layout(random_logits(256, 512)), np.zeros(256, np.int64)
    sn.info_nce(logits, labels)
    tracemalloc.start()
    try:
        sn.info_nce(logits, labels)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (peak >= logits.nbytes) == copied


# MixedTargets ---------------------------------------------------------------------------------------------------------


def test_hard_and_smoothed() -> None:
    np.testing.assert_array_equal(MixedTargets.hard([2, 0], 3).dense(), np.eye(3, dtype=np.float32)[[2, 0]])
    smoothed = MixedTargets.smoothed([2, 0], 4, 0.2)
    expected = [[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]]
    np.testing.assert_allclose(smoothed.dense(np.float64), expected, rtol=1e-15)
    assert smoothed.uniform == 0.2


def test_mixed() -> None:
    expected = [[0.25, 0.0, 0.75], [0.0, 1.0, 0.0]]
    np.testing.assert_array_equal(MixedTargets.mixed([0, 1], [2, 1], [0.25, 0.5], 3).dense(np.float64), expected)
    one = MixedTargets.mixed(np.array([0, 1], np.uint8), np.array([2, 300], np.uint64), 0.25, 400, 0.4)
    assert one.dense(np.float64)[1, 300] == pytest.approx(0.6 * 0.75 + 0.001)
    assert one.classes.tolist() == [[0, 2], [1, 300]]


def test_smoothing_by_row() -> None:
    targets = MixedTargets([[0, 1], [2, 1]], [[0.5, 0.5], [0.25, 0.75]], 4, [0.0, 0.4])
    expected = [[0.5, 0.5, 0.0, 0.0], [0.1, 0.55, 0.25, 0.1]]
    np.testing.assert_allclose(targets.dense(np.float64), expected, rtol=1e-15)


def test_top_k() -> None:
    teacher = random(9).dirichlet(np.ones(CLASSES), ROWS)
    classes = np.argsort(-teacher, 1)[:, :3]
    dense = MixedTargets.top_k(classes, np.take_along_axis(teacher, classes, 1), CLASSES).dense(np.float64)
    kept = np.take_along_axis(teacher, classes, 1)
    np.testing.assert_allclose(np.take_along_axis(dense, classes, 1), kept, rtol=1e-13)
    np.testing.assert_allclose(dense.sum(1), 1.0, rtol=1e-13)
    rest = np.sort(dense, 1)[:, : CLASSES - 3]
    np.testing.assert_allclose(rest, np.broadcast_to((1 - kept.sum(1, keepdims=True)) / 3, (ROWS, 3)), rtol=1e-12)


@pytest.mark.parametrize("form", ["labels", "smoothed", "mixed", "shares"])
def test_from_dense_finds_the_rows_again(form: str) -> None:
    dense = written_out(random_targets(form))
    found = MixedTargets.from_dense(dense)
    np.testing.assert_allclose(found.dense(np.float64), dense, atol=1e-15)
    assert isinstance(found.uniform, np.ndarray) == (form == "shares")
    assert found.classes.shape[1] <= 2


def test_from_dense_in_single_precision_has_one_share() -> None:
    mixed = random_targets("mixed")
    found = MixedTargets.from_dense(mixed.dense())
    assert isinstance(found.uniform, float) and found.uniform == pytest.approx(0.1, rel=1e-6)


def test_rows_are_indexed() -> None:
    for form in ("mixed", "shares"):
        targets = random_targets(form)
        dense = targets.dense()
        for rows in (slice(1, 5, 2), [0, 3], np.array([6, 0]), dense[:, 0] > 0.1):
            np.testing.assert_array_equal(targets[rows].dense(), dense[rows])
        for row in (2, -1, np.int64(2), np.array(2)):
            np.testing.assert_array_equal(targets[row].dense(), dense[[int(row)]])
        np.testing.assert_array_equal(np.concatenate([row.dense() for row in targets]), dense)
        assert len(targets) == ROWS and targets.shape == (ROWS, CLASSES)
        with pytest.raises(IndexError):
            targets[ROWS]
    with pytest.raises(TypeError):
        targets["first"]


def test_cat() -> None:
    hard, mixed, shares = MixedTargets.hard([1, 2], CLASSES), random_targets("mixed"), random_targets("shares")
    joined = MixedTargets.cat([hard, mixed, shares])
    expected = np.concatenate([written_out(part) for part in (hard, mixed, shares)])
    np.testing.assert_allclose(joined.dense(np.float64), expected, rtol=1e-15)
    assert isinstance(joined.uniform, np.ndarray)
    # One share stays one, for equal ones cancel.
    assert MixedTargets.cat([mixed, mixed]).uniform == 0.1
    assert isinstance(MixedTargets.cat([mixed, hard]).uniform, np.ndarray)


def test_a_class_below_its_share_is_no_less_than_0() -> None:
    dense = MixedTargets.compact(0.3, [[0, 1]], [[-0.1 - 1e-9, 0.8]], 3).dense(np.float64)
    np.testing.assert_allclose(dense, [[0.0, 0.9, 0.1]], rtol=1e-15)


def test_repr_shows_sizes() -> None:
    assert repr(random_targets("mixed")) == "MixedTargets(rows=7, terms=2, num_classes=6, uniform=0.1)"
    assert repr(random_targets("shares")) == "MixedTargets(rows=7, terms=2, num_classes=6, uniform=[7])"


# Noise and posterior --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing, alpha", [(1.0, 1.0), (0.5, 0.3), (2, 0), (0.0, 1.0)])
def test_noise_from_counts(smoothing: float, alpha: float) -> None:
    counts = [3, 1, 40, 7]
    masses = (np.array(counts) + smoothing) ** alpha
    noise = sn.noise_from_counts(counts, smoothing, alpha)
    assert noise.dtype == np.float64
    np.testing.assert_allclose(noise, masses / masses.sum(), rtol=1e-14)


def test_an_unseen_class_has_its_share_of_noise() -> None:
    noise = sn.noise_from_counts(np.array([0, 4], np.uint8))
    np.testing.assert_allclose(noise, [1 / 6, 5 / 6], rtol=1e-14)
    assert np.isfinite(sn.info_nce(random_logits(2, 2), [0, 1], noise_probs=noise))


@pytest.mark.parametrize("name", TOLERANCE)
def test_posterior(name: str) -> None:
    logits = random_logits().astype(float_type(name))
    found = sn.posterior(logits, 0.5)
    powers = np.exp(2 * logits.astype(np.float64))
    assert found.dtype == (np.float64 if name == "float64" else np.float32)
    nearest = 1e-14 if name == "float64" else 2e-6
    np.testing.assert_allclose(found.astype(np.float64), powers / powers.sum(1, keepdims=True), nearest, 3e-8)
    np.testing.assert_array_equal(sn.posterior(logits[:1, None], 0.5), found[:1, None])
    np.testing.assert_array_equal(sn.posterior(logits[0], 0.5), found[0])


def test_posterior_of_extreme_logits() -> None:
    np.testing.assert_array_equal(sn.posterior([[1e308, -1e308], [-1e4, -1e4]]), [[1.0, 0.0], [0.5, 0.5]])
    found = sn.posterior(np.array([[6e4, -6e4, 6e4]], np.float16))
    np.testing.assert_array_equal(found, [[0.5, 0.0, 0.5]])
    logits = random_logits()
    swapped = logits.astype(logits.dtype.newbyteorder("S"))
    np.testing.assert_array_equal(sn.posterior(swapped), sn.posterior(logits))
    assert sn.posterior(swapped).dtype.isnative
