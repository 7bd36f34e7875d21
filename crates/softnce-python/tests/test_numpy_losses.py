"""The losses on NumPy arrays: the definition in every form and type, golden files, gradients, the head."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Tuple

import numpy as np
import pytest

import softnce.numpy as sn
from numpy_reference import (
    CLASSES,
    FORMS,
    REDUCTIONS,
    ROWS,
    TOLERANCE,
    Array,
    close,
    cross_entropy,
    difference,
    everything,
    float_type,
    golden_files,
    info_nce,
    random,
    random_logits,
    random_noise,
    random_targets,
    read_golden,
    reduced,
    with_oracle,
    written_out,
)
from softnce.numpy import MixedTargets

# Every path -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("recognise", [True, False])
def test_soft_target_info_nce_is_the_definition(form: str, reduction: str, recognise: bool) -> None:
    logits, targets = random_logits(), random_targets(form)
    loss, gradient, by_temperature = sn.soft_target_info_nce_and_gradient(
        logits, targets, reduction=reduction, recognise=recognise
    )
    exact = reduced(info_nce(logits, written_out(targets)), reduction)
    # Rows in single precision sum to 1 no better than that.
    tolerance = 1e-7 if form == "dense32" else 1e-12
    close(loss, exact[0], tolerance)
    close(gradient, exact[1], tolerance)
    close(by_temperature, exact[2], tolerance)
    close(sn.soft_target_info_nce(logits, targets, reduction=reduction, recognise=recognise), exact[0], tolerance)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", FORMS)
def test_classes_as_candidates_give_the_gradient_of_cross_entropy(form: str, reduction: str) -> None:
    logits, targets, noise = random_logits(), random_targets(form), random_noise()
    options: Any = {"temperature": 0.5, "reduction": reduction}
    found = sn.soft_target_info_nce_and_gradient(logits, targets, candidates="classes", noise_probs=noise, **options)
    expected = sn.soft_target_cross_entropy_and_gradient(logits, targets, **options)
    close(found.logits_gradient, expected.logits_gradient, 1e-11)
    close(found.temperature_gradient, expected.temperature_gradient, 1e-11)
    constants = written_out(targets) @ np.log(noise)
    above = {"none": constants, "sum": constants.sum(), "mean": constants.mean()}[reduction]
    close(found.loss, expected.loss + above, 1e-6 if form == "dense32" else 1e-11)


def test_classes_as_candidates_refuse_what_does_not_go_with_them() -> None:
    logits, labels = random_logits(), random_targets("labels")
    for options, words in (
        ({"candidates": "classes", "positives": 0}, "positives is given with classes"),
        ({"candidates": "classes", "multiplicities": [1.0]}, "multiplicities is given with classes"),
        ({"candidates": "classes", "noise_probs": [0.5, 0.5]}, "noise_probs has shape"),
    ):
        with pytest.raises(ValueError, match=words):
            sn.soft_target_info_nce(logits, labels, **options)
    for values, words in (
        ([0.5, 0.5, 0.0], r"noise_probs\[2\] is 0"),
        ([0.75, 0.5, -0.25], r"noise_probs\[2\] is -0.25"),
        ([0.5, np.nan, 0.5], r"noise_probs\[1\] is NaN"),
        ([0.5, 0.5, 1.0], "noise_probs has a sum of 2"),
        ([0.0, 0.0, 0.0], r"noise_probs\[0\] is 0"),
    ):
        for evaluate in (sn.soft_target_info_nce, sn.soft_target_info_nce_and_gradient):
            with pytest.raises(ValueError, match=words):
                evaluate(logits[:, :3], labels % 3, candidates="classes", noise_probs=np.asarray(values))
    with pytest.raises(TypeError, match="candidates has dtype"):
        sn.info_nce(logits, labels, candidates="classes")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", FORMS)
def test_every_argument_enters_as_defined(form: str, reduction: str) -> None:
    logits, targets = random_logits(), random_targets(form)
    further = [
        random_targets("labels", 4, seed=5),
        random_targets("mixed", 3, seed=6),
        random_targets("dense", 2, seed=7),
    ]
    written = np.concatenate([written_out(targets), *map(written_out, further)])
    options = everything(len(written))
    upstream = random(8).standard_normal(ROWS) if reduction == "none" else -2.5
    loss, gradient, by_temperature = sn.soft_target_info_nce_and_gradient(
        logits, targets, candidates=further, reduction=reduction, upstream=upstream, **options
    )
    exact = reduced(with_oracle(logits, written, options), reduction, options["row_weights"], upstream)
    tolerance = 1e-7 if form == "dense32" else 1e-12
    close(loss, exact[0], tolerance)
    close(gradient, exact[1], tolerance)
    close(by_temperature, exact[2], tolerance)
    plain = sn.soft_target_info_nce(logits, targets, candidates=further, reduction=reduction, **options)
    close(plain, exact[0], tolerance)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_info_nce_is_the_definition(reduction: str) -> None:
    logits, targets, further = random_logits(), random_targets("labels"), random_targets("labels", 5, seed=5)
    options = everything(ROWS + 5)
    upstream = random(8).standard_normal(ROWS) if reduction == "none" else 3.0
    arguments = {"candidates": further, "reduction": reduction, **options}
    loss, gradient, by_temperature = sn.info_nce_and_gradient(logits, targets, upstream=upstream, **arguments)
    written = written_out(np.concatenate((targets, further)))
    exact = reduced(with_oracle(logits, written, options), reduction, options["row_weights"], upstream)
    close(loss, exact[0], 1e-12)
    close(gradient, exact[1], 1e-12)
    close(by_temperature, exact[2], 1e-12)
    close(sn.info_nce(logits, targets, **arguments), exact[0], 1e-12)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("recognise", [True, False])
def test_cross_entropy_is_the_definition(form: str, reduction: str, recognise: bool) -> None:
    logits, targets = random_logits(), random_targets(form)
    weights = np.append(0.0, random(4).random(ROWS - 1) + 0.2)
    arguments = {"row_weights": weights, "temperature": 1.7, "reduction": reduction, "recognise": recognise}
    upstream = random(8).standard_normal(ROWS) if reduction == "none" else 0.3
    loss, gradient, by_temperature = sn.soft_target_cross_entropy_and_gradient(
        logits, targets, upstream=upstream, **arguments
    )
    exact = reduced(cross_entropy(logits, written_out(targets), 1.7), reduction, weights, upstream)
    tolerance = 1e-7 if form == "dense32" else 1e-12
    close(loss, exact[0], tolerance)
    close(gradient, exact[1], tolerance)
    close(by_temperature, exact[2], tolerance)
    close(sn.soft_target_cross_entropy(logits, targets, **arguments), exact[0], tolerance)


@pytest.mark.parametrize("form", FORMS)
def test_more_rows_than_candidates_share_their_positives(form: str) -> None:
    logits, targets = random_logits(20, 10), random_targets(form, 4, 10)
    positives = np.arange(20) % 4
    loss = sn.soft_target_info_nce(logits, targets, positives=positives, reduction="none")
    scores = logits @ written_out(targets, 10).T
    expected = np.log(np.exp(scores).sum(1)) - scores[np.arange(20), positives]
    close(loss, expected, 1e-6 if form == "dense32" else 1e-12)


def test_hard_losses_take_one_hot_rows() -> None:
    logits, labels = random_logits(6, 5), np.array([2, 0, 1, 2, 4, 4])
    expected = sn.info_nce(logits, labels)
    for targets in (np.eye(5)[labels], np.eye(5, dtype=np.float32)[labels], MixedTargets.hard(labels, 5)):
        assert sn.info_nce(logits, targets) == expected


def test_losses_beyond_the_range_of_half_precision_are_finite() -> None:
    # 8192 rows of loss log 65536: the sum is 90,852, the largest float16 65,504.
    logits, positives = np.zeros((8192, 2), np.float16), np.arange(8192) % 2
    options = {"positives": positives, "multiplicities": np.full(2, 32768.0), "reduction": "sum"}
    loss = sn.soft_target_info_nce(logits, [0, 1], **options)
    assert abs(loss / (8192 * np.log(65536)) - 1) < 1e-6
    head = sn.head_loss_and_gradient(logits, np.zeros((2, 2), np.float16), [0, 1], **options)
    assert abs(head.loss / (8192 * np.log(65536)) - 1) < 1e-6


def test_recognise_chooses_the_path() -> None:
    logits, dense = random_logits(64, 40), random_targets("recognised", 64, 40)
    by_terms, by_entries = (
        sn.soft_target_info_nce_and_gradient(logits, dense, recognise=recognise).logits_gradient
        for recognise in (True, False)
    )
    # The same but for the rounding, by which the paths are told apart.
    close(by_terms, by_entries, 1e-15)
    assert (by_terms != by_entries).any()


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", ["labels", "mixed", "recognised", "dense"])
@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_narrow_types_round_once(name: str, form: str, reduction: str) -> None:
    narrow = float_type(name)
    logits, targets = random_logits().astype(narrow), random_targets(form)
    upstream = random(8).standard_normal(ROWS) if reduction == "none" else 1.7
    wide, tolerance = logits.astype(np.float64), TOLERANCE[name]
    definitions = (
        (sn.soft_target_info_nce_and_gradient, info_nce),
        (sn.soft_target_cross_entropy_and_gradient, cross_entropy),
    )
    for function, definition in definitions:
        loss, gradient, by_temperature = function(logits, targets, reduction=reduction, upstream=upstream)
        exact = reduced(definition(wide, written_out(targets)), reduction, upstream=upstream)
        assert loss.dtype == np.float32 and gradient.dtype == logits.dtype
        assert isinstance(by_temperature, float)
        close(loss, exact[0], tolerance)
        close(gradient, exact[1], tolerance)
        # It is no more than the sums are precise.
        close(by_temperature, exact[2], TOLERANCE["float32"])


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
def test_targets_in_half_precision(name: str) -> None:
    targets = random_targets("dense").astype(float_type(name))
    exact = targets.astype(np.float64)
    exact /= exact.sum(1, keepdims=True)
    close(sn.soft_target_info_nce(random_logits(), targets), info_nce(random_logits(), exact).losses.mean(), 1e-6)


@pytest.mark.parametrize("by_row", [True, False])
def test_half_precision_is_scaled_before_it_is_rounded(by_row: bool) -> None:
    # Gradients of some 1e-8, of which float16 keeps nothing.
    logits = np.array([[18.0, 0.0, 0.0], [0.0, 17.0, 0.0]], np.float16)
    scale = 2048.0
    reduction, upstream = ("none", np.full(2, scale)) if by_row else ("mean", 2 * scale)
    _, gradient, _ = sn.soft_target_info_nce_and_gradient(logits, [0, 1], reduction=reduction, upstream=upstream)
    exact = scale * info_nce(logits.astype(np.float64), np.eye(3)[:2]).gradients
    assert np.abs(exact[:, :2]).min() > 1e-5
    np.testing.assert_allclose(gradient[:, :2].astype(np.float64), exact[:, :2], rtol=4e-3)


def test_own_class_gradient_lives_where_the_probability_nears_one() -> None:
    logits = np.array([[10.0, 0.0], [0.0, 9.0]], np.float16)
    _, gradient, _ = sn.soft_target_cross_entropy_and_gradient(logits, [0, 1], reduction="sum")
    exact = cross_entropy(logits.astype(np.float64), np.eye(2)).gradients
    np.testing.assert_allclose(gradient.astype(np.float64), exact, rtol=2e-3)


@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_indices_of_every_integer_type(name: str) -> None:
    logits, labels, positives = random_logits(), random_targets("labels"), random(3).permutation(ROWS)
    expected = info_nce(logits, written_out(labels), positives=positives).losses.mean()
    found = sn.soft_target_info_nce(logits, labels.astype(name), positives=positives.astype(name))
    close(found, expected, 1e-12)
    mixed = random_targets("mixed")
    narrow = MixedTargets.compact(mixed.uniform, mixed.classes.astype(name), mixed.weights, CLASSES)
    assert sn.soft_target_info_nce(logits, narrow) == sn.soft_target_info_nce(logits, mixed)


# Golden files ---------------------------------------------------------------------------------------------------------


def golden_forms(targets: Array) -> Dict[str, Tuple[Callable[..., Any], Any, Dict[str, Any]]]:
    """The ways in which the same targets can be handed over."""
    soft = sn.soft_target_info_nce_and_gradient
    forms: Dict[str, Any] = {
        "as is": (soft, targets, {"recognise": False}),
        "dense": (soft, targets, {}),
    }
    if ((targets == 1.0).sum(1) == 1).all():
        forms["labels"] = (soft, targets.argmax(1), {})
        forms["infonce"] = (sn.info_nce_and_gradient, targets.argmax(1), {})
    floor = targets.min(1, keepdims=True)
    if ((targets > floor).sum(1) <= 2).all():
        classes = np.argsort(-targets, 1)[:, :2]
        weights = np.take_along_axis(targets - floor, classes, 1)
        num_classes = targets.shape[1]
        forms["compact"] = (soft, MixedTargets.compact(floor[:, 0] * num_classes, classes, weights, num_classes), {})
    return forms


def test_golden_files_are_all_there() -> None:
    assert len(golden_files()) == 27
    forms = [form for path in golden_files() for form in golden_forms(read_golden(path)[1]["targets"])]
    assert {form: forms.count(form) for form in forms}["infonce"] >= 8
    assert forms.count("compact") >= 17


# Some hold one lambda for the whole batch, of which the kernels warn.
@pytest.mark.filterwarnings("ignore:all rows are mixed with one lambda")
@pytest.mark.parametrize("path", golden_files(), ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    facts, arrays = read_golden(path)
    assert facts["reduction"] == "mean"
    for form, (function, targets, options) in golden_forms(arrays["targets"]).items():
        loss, gradient, _ = function(
            arrays["logits"],
            targets,
            positives=int(facts["first_positive"]),
            noise_probs=arrays["noise_probs"],
            temperature=float(facts["temperature"]),
            **options,
        )
        assert abs(loss - float(arrays["loss"].reshape(()))) <= 1e-12 * max(1.0, abs(loss)), form
        close(gradient, arrays["grad_logits"], 1e-12)


# Gradients ------------------------------------------------------------------------------------------------------------


def losses_with_gradients() -> Dict[str, Tuple[Callable[..., Any], Callable[..., Any], Any, Dict[str, Any]]]:
    contrastive = everything(ROWS)
    del contrastive["temperature"]
    weights = {"row_weights": contrastive["row_weights"]}
    soft = (sn.soft_target_info_nce, sn.soft_target_info_nce_and_gradient)
    entropy = (sn.soft_target_cross_entropy, sn.soft_target_cross_entropy_and_gradient)
    return {
        "labels": (*soft, random_targets("labels"), contrastive),
        "mixed": (*soft, random_targets("mixed"), contrastive),
        "shares": (*soft, random_targets("shares"), contrastive),
        "recognised": (*soft, random_targets("recognised"), contrastive),
        "as is": (*soft, random_targets("recognised"), {"recognise": False, **contrastive}),
        "dense": (*soft, random_targets("dense"), contrastive),
        "infonce": (sn.info_nce, sn.info_nce_and_gradient, random_targets("labels"), contrastive),
        "cross-entropy of labels": (*entropy, random_targets("labels"), weights),
        "cross-entropy of mixed": (*entropy, random_targets("mixed"), weights),
        "cross-entropy of dense": (*entropy, random_targets("dense"), weights),
    }


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", losses_with_gradients())
def test_gradients_are_differences(name: str, reduction: str) -> None:
    function, with_gradient, targets, options = losses_with_gradients()[name]
    logits, tau = random_logits(), np.array(0.8)

    def loss(logits: Array, tau: Array) -> Any:
        return function(logits, targets, temperature=float(tau), reduction=reduction, **options)

    _, gradient, by_temperature = with_gradient(logits, targets, temperature=0.8, reduction=reduction, **options)
    close(gradient, difference(lambda place: loss(place, tau), logits), 1e-8)
    close(by_temperature, difference(lambda place: loss(logits, place), tau), 1e-8)
    # A gradient of nothing would pass for any.
    assert np.abs(gradient).max() > 1e-3 and abs(by_temperature) > 1e-3


def test_upstream_by_row_is_a_weighted_sum() -> None:
    logits, targets, upstream = random_logits(), random_targets("mixed"), random(8).standard_normal(ROWS)

    def weighted(logits: Array) -> Any:
        return upstream @ sn.soft_target_info_nce(logits, targets, reduction="none")

    loss, gradient, _ = sn.soft_target_info_nce_and_gradient(logits, targets, reduction="none", upstream=upstream)
    close(gradient, difference(weighted, logits), 1e-8)
    close(loss, sn.soft_target_info_nce(logits, targets, reduction="none"), 0.0)
    # A list will do.
    again = sn.soft_target_info_nce_and_gradient(logits, targets, reduction="none", upstream=upstream.tolist())
    np.testing.assert_array_equal(again.logits_gradient, gradient)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("upstream", [0.0, 1, 1.0, np.float32(-3.0), np.array(1e-30), 1e30])
def test_upstream_scales_gradients_and_not_the_loss(reduction: str, upstream: Any) -> None:
    logits, targets = random_logits(), random_targets("dense")
    plain = sn.soft_target_info_nce_and_gradient(logits, targets, reduction=reduction)
    scaled = sn.soft_target_info_nce_and_gradient(logits, targets, reduction=reduction, upstream=upstream)
    assert scaled.loss == plain.loss
    np.testing.assert_allclose(scaled.logits_gradient, float(upstream) * plain.logits_gradient, rtol=1e-14)
    np.testing.assert_allclose(scaled.temperature_gradient, float(upstream) * plain.temperature_gradient, rtol=1e-14)


# Facts ----------------------------------------------------------------------------------------------------------------


def test_one_candidate_leaves_nothing_to_tell() -> None:
    loss, gradient, by_temperature = sn.soft_target_info_nce_and_gradient(random_logits(1), random_targets("dense", 1))
    assert (loss, by_temperature) == (0.0, 0.0)
    assert not gradient.any()


def test_equal_candidates_give_the_logarithm_of_their_number() -> None:
    close(sn.soft_target_info_nce(random_logits(), [2] * ROWS), np.log(ROWS), 1e-15)


def test_cross_entropy_is_the_member_that_knows_all_candidates() -> None:
    logits, targets, noise = random_logits(), random_targets("dense"), random_noise()
    _, gradient, _ = sn.soft_target_info_nce_and_gradient(
        logits,
        targets,
        candidates=np.arange(CLASSES),
        multiplicities=np.concatenate((np.zeros(ROWS), noise)),
        noise_probs=noise,
    )
    close(gradient, sn.soft_target_cross_entropy_and_gradient(logits, targets).logits_gradient, 1e-12)


def test_results_are_the_same_every_time() -> None:
    logits, targets = random_logits(64, 40), random_targets("dense", 64, 40)
    first, *others = (sn.soft_target_info_nce_and_gradient(logits, targets) for _ in range(5))
    for other in others:
        assert (other.loss, other.temperature_gradient) == (first.loss, first.temperature_gradient)
        np.testing.assert_array_equal(other.logits_gradient, first.logits_gradient)


# The linear head ------------------------------------------------------------------------------------------------------


class HeadCase(NamedTuple):
    features: Array
    weight: Array
    bias: Array
    targets: Any
    options: Dict[str, Any]

    def logits(self) -> Array:
        wide = [array.astype(np.float64) for array in self[:3]]
        return wide[0] @ wide[1].T + wide[2]


def head_case(form: str, name: str = "float64") -> HeadCase:
    """A head over 40 classes, of which those below 6 occur."""
    source = random(12)
    shapes = ((ROWS, 4), (40, 4), (40,))
    features, weight, bias = (source.standard_normal(shape).astype(float_type(name)) for shape in shapes)
    targets = random_targets(form, classes=CLASSES)
    if isinstance(targets, MixedTargets):
        targets = MixedTargets.compact(targets.uniform, targets.classes, targets.weights, 40)
    elif form == "recognised":
        targets = MixedTargets.from_dense(targets)
        targets = MixedTargets.compact(targets.uniform, targets.classes, targets.weights, 40).dense(np.float64)
    further = MixedTargets.compact(0.1, [[5], [0], [0]], [[0.9], [0.9], [0.9]], 40)
    options = everything(ROWS + 3, classes=40)
    options["candidates"] = np.array([5, 0, 0]) if form == "labels" else further
    return HeadCase(features, weight, bias, targets, options)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", ["labels", "mixed", "recognised"])
@pytest.mark.parametrize("name", ["float64", "float32", "float16", "bfloat16"])
def test_head_is_the_loss_of_its_logits(name: str, form: str, reduction: str) -> None:
    case = head_case(form, name)
    upstream = random(8).standard_normal(ROWS) if reduction == "none" else -1.5
    found = sn.head_loss_and_gradient(
        case.features, case.weight, case.targets, bias=case.bias, reduction=reduction, upstream=upstream, **case.options
    )
    options = {"reduction": reduction, "upstream": upstream, **case.options}
    expected = sn.soft_target_info_nce_and_gradient(case.logits(), case.targets, **options)
    tolerance, precise = TOLERANCE[name], TOLERANCE["float64" if name == "float64" else "float32"]
    by_logits, classes = expected.logits_gradient, found.classes
    assert classes.dtype == np.int64
    assert set(classes) <= set(range(CLASSES)) and (np.diff(classes) > 0).all()
    others = np.setdiff1d(np.arange(40), classes)
    assert np.abs(by_logits[:, others]).max() < 1e-15
    assert found.loss.dtype == (np.float64 if name == "float64" else np.float32)
    for array in (found.features_gradient, found.weight_gradient, found.bias_gradient):
        assert array.dtype == case.features.dtype
    close(found.loss, expected.loss, tolerance)
    close(found.features_gradient, by_logits @ case.weight.astype(np.float64), tolerance)
    close(found.weight_gradient, by_logits.T[classes] @ case.features.astype(np.float64), tolerance)
    close(found.bias_gradient, by_logits.sum(0)[classes], tolerance)
    close(found.temperature_gradient, expected.temperature_gradient, precise)


def test_head_gradients_are_differences() -> None:
    case = head_case("mixed")
    found = sn.head_loss_and_gradient(case.features, case.weight, case.targets, bias=case.bias, **case.options)

    def loss(features: Array = case.features, weight: Array = case.weight, bias: Array = case.bias) -> Any:
        return sn.head_loss_and_gradient(features, weight, case.targets, bias=bias, **case.options).loss

    close(found.features_gradient, difference(lambda place: loss(features=place), case.features), 1e-8)
    by_weight, by_bias = np.zeros_like(case.weight), np.zeros_like(case.bias)
    by_weight[found.classes], by_bias[found.classes] = found.weight_gradient, found.bias_gradient
    close(by_weight, difference(lambda place: loss(weight=place), case.weight), 1e-8)
    close(by_bias, difference(lambda place: loss(bias=place), case.bias), 1e-8)


def test_head_without_bias() -> None:
    case = head_case("labels")
    found = sn.head_loss_and_gradient(case.features, case.weight, case.targets, **case.options)
    assert found.bias_gradient is None
    zero = sn.head_loss_and_gradient(case.features, case.weight, case.targets, bias=0 * case.bias, **case.options)
    assert found.loss == zero.loss
    np.testing.assert_array_equal(found.weight_gradient, zero.weight_gradient)
