"""Classes as candidates: against the definition, against cross-entropy, their draws and their errors."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any, List, Optional, Tuple

import pytest
import torch
from torch import Tensor

from reference import (
    FORMS,
    TOLERANCE,
    both,
    close,
    cross_entropy,
    generator,
    info_nce,
    random_logits,
    random_noise,
    random_targets,
    reduce,
    written_out,
)
from softnce.torch import (
    ClassCandidates,
    InfoNCE,
    MixedTargets,
    SoftTargetInfoNCE,
    TargetQueue,
    _checks,
    classes,
    soft_target_cross_entropy,
    soft_target_info_nce,
)
from softnce.torch._call import segment_of

CPU = torch.device("cpu")
ROWS, CLASSES = 6, 9


def definition(
    logits: Tensor, targets: Tensor, noise: Optional[Tensor], tau: Any, counts: Tensor, reduction: str, weights: Any
) -> Tensor:
    """The loss over the targets, with multiplicity 0, and all classes, with the given ones."""
    multiplicities = torch.cat((torch.zeros(len(targets), dtype=torch.float64), counts))
    candidates = torch.cat((targets, torch.eye(targets.shape[1], dtype=torch.float64)))
    return reduce(info_nce(logits, candidates, noise=noise, tau=tau, multiplicities=multiplicities), reduction, weights)


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("uniform", [False, True])
def test_all_classes_are_the_definition_and_cross_entropy(
    backend: Any, reduction: Any, form: str, uniform: bool
) -> None:
    noise = None if uniform else random_noise(CLASSES)
    targets, weights = random_targets(form, ROWS, CLASSES), torch.rand(ROWS, generator=generator(9)).double()
    logits, tau = random_logits(ROWS, CLASSES).requires_grad_(), torch.tensor(0.7).double().requires_grad_()
    rows, upstream = written_out(targets, CLASSES), torch.ones(ROWS).double() if reduction == "none" else None
    eta = torch.full((CLASSES,), 1 / CLASSES).double() if noise is None else noise
    expected = both(definition(logits, rows, noise, tau, eta, reduction, weights), logits, tau, upstream=upstream)
    options: Any = {"row_weights": weights, "reduction": reduction, "backend": backend, "temperature": tau}
    for given in ("classes", ClassCandidates()):
        loss = soft_target_info_nce(logits, targets, candidates=given, noise_probs=noise, **options)
        for one, other in zip(both(loss, logits, tau, upstream=upstream), expected):
            close(one, other, 1e-6)
    loss = soft_target_cross_entropy(logits, targets, **options)
    gradient = torch.autograd.grad(loss, logits, upstream)[0]
    loss = soft_target_info_nce(logits, targets, candidates="classes", noise_probs=noise, **options)
    assert torch.equal(torch.autograd.grad(loss, logits, upstream)[0], gradient)


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_drawn_classes_are_the_definition(backend: Any, form: str, dtype: torch.dtype) -> None:
    noise, targets = random_noise(CLASSES), random_targets(form, ROWS, CLASSES)
    logits = random_logits(ROWS, CLASSES, dtype=dtype).requires_grad_()
    wide = logits.detach().double().requires_grad_()
    for count in (1, 3, 50):
        torch.manual_seed(count)
        drawn = classes.draw(count, segment_of("targets", targets, CLASSES, CPU), noise, CLASSES)
        assert not drawn.multiplicities[:ROWS].any()
        counts = drawn.multiplicities[ROWS:]
        expected = both(definition(wide, written_out(targets, CLASSES), noise, 1.0, counts, "mean", None), wide)
        criterion = SoftTargetInfoNCE(noise_probs=noise, candidates=ClassCandidates(count), backend=backend)
        torch.manual_seed(count)
        for one, other in zip(both(criterion(logits, targets), logits), expected):
            close(one, other, TOLERANCE[dtype])


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("uniform", [False, True])
def test_drawn_classes_with_row_weights_and_a_learned_temperature(backend: Any, reduction: Any, uniform: bool) -> None:
    noise, targets = None if uniform else random_noise(CLASSES), random_targets("mixed", ROWS, CLASSES)
    logits, tau = random_logits(ROWS, CLASSES).requires_grad_(), torch.tensor(0.7).double().requires_grad_()
    weights, upstream = torch.rand(ROWS, generator=generator(9)).double(), None
    if reduction == "none":
        upstream = torch.arange(1.0, ROWS + 1).double()
    torch.manual_seed(5)
    drawn = classes.draw(4, segment_of("targets", targets, CLASSES, CPU), noise, CLASSES)
    counts, rows = drawn.multiplicities[ROWS:], written_out(targets, CLASSES)
    expected = both(definition(logits, rows, noise, tau, counts, reduction, weights), logits, tau, upstream=upstream)
    options: Any = {"row_weights": weights, "reduction": reduction, "backend": backend, "temperature": tau}
    torch.manual_seed(5)
    loss = soft_target_info_nce(logits, targets, candidates=ClassCandidates(4), noise_probs=noise, **options)
    for one, other in zip(both(loss, logits, tau, upstream=upstream), expected):
        close(one, other, 1e-11)


@pytest.mark.parametrize("form", [*FORMS, "repeated"])
@pytest.mark.parametrize("count", [3, 60])
def test_which_classes_are_not_left_to_chance(form: str, count: int) -> None:
    many, rows = 200, 5
    noise = random_noise(many) ** 4
    noise = noise / noise.sum()
    targets = random_targets(form, rows, many)
    if form == "repeated":
        # A mention, both of them, and both with the uniform share are on different sides of the limits of some classes.
        labels = torch.arange(many).reshape(rows, -1)[:, :20]
        weights = torch.full((rows, 40), 0.005, dtype=torch.float64)
        targets = MixedTargets.compact(0.8, torch.cat((labels, labels), 1), weights, many)
    expected = []
    for label, weights in enumerate(written_out(targets, many).T.tolist()):
        chance = 1.0 - (1.0 - float(noise[label])) ** count
        if max(weights) > 0.1 * chance:
            expected.append(label)
    assert 0 < len(expected) < many
    own = segment_of("targets", targets, many, CPU)
    for seed in range(3):
        torch.manual_seed(seed)
        counts = classes.draw(count, own, noise, many).multiplicities[rows:]
        # The others count a multiple of 1 / count.
        assert ((counts - noise).abs() < 1e-12).nonzero()[:, 0].tolist() == expected


def test_draws_are_unbiased_and_keep_the_classes_of_the_targets() -> None:
    noise, count, rounds = random_noise(CLASSES), 4, 4000
    own = segment_of("targets", torch.tensor([2, 5, 2]), CLASSES, CPU)
    torch.manual_seed(1)
    total = torch.zeros(CLASSES, dtype=torch.float64)
    for _ in range(rounds):
        counts = classes.draw(count, own, noise, CLASSES).multiplicities[3:]
        assert torch.equal(counts[[2, 5]], noise[[2, 5]])
        total += counts
    sigma = (noise * (1 - noise) / (count * rounds)).sqrt()
    assert bool(((total / rounds - noise).abs() < 5 * sigma).all())


def test_a_distribution_to_be_matched_is_the_optimum() -> None:
    targets = random_targets("dense", 40, CLASSES)
    noise = targets.mean(0)
    logits = targets.log().requires_grad_()
    for candidates, matched in (("classes", True), (None, False)):
        loss = soft_target_info_nce(logits, targets, candidates=candidates, noise_probs=noise)
        slope = torch.autograd.grad(loss, logits)[0].abs().max()
        assert (slope < 1e-12) == matched


def test_shapes_and_ignored_rows() -> None:
    labels = torch.randint(CLASSES, (2, 3, 4), generator=generator(3))
    labels[0, 0, 0] = labels[1, 2, 1] = -100
    logits = torch.randn(2, CLASSES, 3, 4, generator=generator(4), dtype=torch.float64).requires_grad_()
    noise = random_noise(CLASSES)
    for reduction in ("mean", "sum", "none"):
        criterion = SoftTargetInfoNCE(1.0, reduction, noise_probs=noise, candidates="classes", dim=1, ignore_index=-100)
        loss = criterion(logits, labels)
        expected = torch.nn.functional.cross_entropy(logits, labels, reduction=reduction, ignore_index=-100)
        kept = labels != -100
        above = torch.where(kept, noise.log()[labels.clamp(0)], 0.0)
        above = {"none": above, "sum": above.sum(), "mean": above.sum() / kept.sum()}[reduction]
        torch.testing.assert_close(loss, expected + above)
        some = SoftTargetInfoNCE(
            1.0, reduction, noise_probs=noise, candidates=ClassCandidates(10**6), dim=1, ignore_index=-100
        )
        torch.testing.assert_close(some(logits, labels), loss, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("count", [None, 3])
@pytest.mark.parametrize("form", ["labels", "mixed", "dense"])
def test_compiled(count: Optional[int], form: str) -> None:
    criterion = SoftTargetInfoNCE(noise_probs=random_noise(CLASSES), candidates=ClassCandidates(count))
    targets = random_targets(form, ROWS, CLASSES)
    compiled = torch.compile(criterion, backend="aot_eager", fullgraph=True)
    results: List[Tuple[Tensor, ...]] = []
    for call in (criterion, compiled):
        logits = random_logits(ROWS, CLASSES, dtype=torch.float32).requires_grad_()
        torch.manual_seed(7)
        results.append(both(call(logits, targets), logits))
    for one, other in zip(*results):
        torch.testing.assert_close(one, other)


def test_a_learned_temperature_and_second_derivatives() -> None:
    criterion = SoftTargetInfoNCE(0.5, candidates="classes", learn_temperature=True).double()
    targets = random_targets("dense", ROWS, CLASSES)
    logits = random_logits(ROWS, CLASSES).requires_grad_()
    log = criterion.log_temperature
    assert log is not None
    found = torch.autograd.grad(criterion(logits, targets), (logits, log), create_graph=True)
    tau = log.detach().double().requires_grad_()
    expected = torch.autograd.grad(cross_entropy(logits, targets, tau.exp()).mean(), (logits, tau), create_graph=True)
    second = torch.autograd.grad(found[0].square().sum(), logits)[0]
    torch.testing.assert_close(second, torch.autograd.grad(expected[0].square().sum(), logits)[0])
    torch.testing.assert_close(found[1].double(), expected[1], rtol=1e-5, atol=1e-6)


def test_errors_name_the_argument() -> None:
    logits, labels = random_logits(2, 3), torch.tensor([0, 1])
    for count, error, words in (
        (0, ValueError, "count is 0, expected at least 1"),
        (1 << 25, ValueError, "count is 33554432, expected at most 16777216"),
        (1.5, TypeError, "count is 1.5, expected an integer"),
    ):
        with pytest.raises(error, match=words):
            ClassCandidates(count)  # type: ignore[arg-type]
    for make, error, words in (
        (lambda: SoftTargetInfoNCE(candidates="all"), ValueError, "candidates is 'all', expected \"classes\""),
        (lambda: SoftTargetInfoNCE(candidates=labels), TypeError, "candidates is of type Tensor"),
        (lambda: SoftTargetInfoNCE(candidates="classes", queue=TargetQueue(4, 3)), ValueError, "candidates and queue"),
        (lambda: InfoNCE(candidates="classes"), ValueError, "takes hard labels"),
    ):
        with pytest.raises(error, match=words):
            make()
    for name, value in (("positives", 1), ("multiplicities", torch.ones(5))):
        options: Any = {name: value}
        with pytest.raises(ValueError, match=f"{name} is given with classes"):
            soft_target_info_nce(logits, labels, candidates="classes", **options)
    with pytest.raises(ValueError, match="candidates is given, and the loss has"):
        SoftTargetInfoNCE(candidates="classes")(logits, labels, candidates=labels)
    for candidates in (ClassCandidates(), ClassCandidates(2)):
        with pytest.raises(ValueError, match=r"noise_probs has shape \[2\]"):
            soft_target_info_nce(logits, labels, candidates=candidates, noise_probs=torch.tensor([0.5, 0.5]))
        for backend in ("kernel", "tensor"):
            with pytest.raises(IndexError, match="targets|labels"):
                soft_target_info_nce(logits, labels + 2, candidates=candidates, backend=backend)
    assert repr(SoftTargetInfoNCE(candidates=ClassCandidates(5))).endswith("candidates=ClassCandidates(count=5))")


BAD_NOISE = {
    "zero": ([0.5, 0.5, 0.0], r"noise_probs\[2\] is 0, expected a finite number above 0"),
    "negative": ([0.75, 0.5, -0.25], r"noise_probs\[2\] is -0.25, expected"),
    "nan": ([0.5, float("nan"), 0.5], r"noise_probs\[1\] is NaN, expected"),
    "sum": ([0.5, 0.5, 1.0], "noise_probs has a sum of 2, expected 1 within 0.0001"),
    "none": ([0.0, 0.0, 0.0], r"noise_probs\[0\] is 0, expected"),
}


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
@pytest.mark.parametrize("candidates", ["classes", ClassCandidates(2), None])
@pytest.mark.parametrize("name", BAD_NOISE)
def test_values_of_the_noise_are_checked(backend: Any, candidates: Any, name: str) -> None:
    logits, targets = random_logits(2, 3), torch.tensor([0, 1])
    values, message = BAD_NOISE[name]
    noise = torch.tensor(values)
    options: Any = {"candidates": candidates, "noise_probs": noise, "backend": backend}
    for reduction in ("mean", "none"):
        with pytest.raises(ValueError, match=message):
            soft_target_info_nce(logits, targets, reduction=reduction, **options)
    with pytest.raises(ValueError, match=message):
        torch.func.grad(lambda rows: soft_target_info_nce(rows, targets, **options))(logits)


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
@pytest.mark.parametrize("candidates", ["classes", ClassCandidates(2)])
def test_noise_and_row_weights_get_no_gradient(backend: Any, candidates: Any) -> None:
    for reduction in ("mean", "sum", "none"):
        noise, weights = random_noise(3).requires_grad_(), torch.tensor([2.0, 0.5], requires_grad=True)
        logits = random_logits(2, 3).requires_grad_()
        options: Any = {"noise_probs": noise, "row_weights": weights, "reduction": reduction, "backend": backend}
        soft_target_info_nce(logits, torch.tensor([0, 1]), candidates=candidates, **options).sum().backward()
        assert logits.grad is not None and noise.grad is None and weights.grad is None


@pytest.mark.parametrize("candidates", ["classes", ClassCandidates(10**6)])
def test_row_weights_of_any_type_and_size(candidates: Any) -> None:
    logits, targets, noise = random_logits(3, CLASSES), torch.tensor([0, 1, 2]), random_noise(CLASSES)
    for weights in (
        torch.tensor([1, 0, 3]),
        torch.tensor([True, False, True]),
        torch.tensor([1e308, 0, 1e308], dtype=torch.float64),
    ):
        found = soft_target_info_nce(logits, targets, candidates=candidates, noise_probs=noise, row_weights=weights)
        double = weights.double() / weights.double().amax()
        rows = written_out(targets, CLASSES)
        close(found, definition(logits, rows, noise, 1.0, noise, "mean", double), 1e-2)


def test_tensor_operations_warn_of_distributions_among_their_own_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    def messages(targets: Any, **options: Any) -> List[str]:
        logits = random_logits(*targets.shape) if targets.ndim == 2 else random_logits(32, 12)
        monkeypatch.setattr(_checks, "_looks_left", dict.fromkeys(_checks._looks_left, 8))
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            soft_target_info_nce(logits, targets, backend="tensor", **options)
        return [str(warning.message) for warning in found]

    teacher = random_targets("dense", 32, 12)
    assert messages(teacher) == [_checks.DISTRIBUTION_WARNING]
    assert messages(teacher, candidates="classes") == messages(teacher, candidates=ClassCandidates(3)) == []
    # With so many classes that no single weight counts, and with the most probable classes of a teacher alone.
    wide = torch.softmax(torch.linspace(0, 50, 8 * 5000).reshape(8, 5000).sin(), 1)
    probabilities, classes = torch.softmax(random_logits(8, 100), 1).topk(10)
    top = MixedTargets.top_k(classes, probabilities, 100)
    assert messages(wide) == messages(top) == [_checks.DISTRIBUTION_WARNING]
    for form in ("labels", "smoothed", "mixed", "recognised"):
        assert messages(random_targets(form, 32, 12)) == []
        assert messages(written_out(random_targets(form, 32, 12), 12), recognise=False) == []


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
def test_distributions_are_warned_of_once_at_the_line_of_the_call(backend: str) -> None:
    program = """
import warnings, torch
from softnce.torch import soft_target_info_nce
logits, targets = torch.zeros(8, 12), torch.softmax(torch.arange(96.0).reshape(8, 12) % 7 / 2, 1)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        soft_target_info_nce(logits, targets, candidates="classes", backend="{backend}")
    assert not caught, caught
    for _ in range(2):
        soft_target_info_nce(logits, targets, backend="{backend}")
assert [w.category for w in caught] == [UserWarning], caught
assert "distributions to be matched" in str(caught[0].message) and caught[0].filename == "<string>", caught[0]
"""
    done = subprocess.run([sys.executable, "-c", program.replace("{backend}", backend)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
@pytest.mark.parametrize("first", ["lambda", "distributions"])
def test_each_warning_comes_whatever_came_before(backend: str, first: str) -> None:
    program = """
import warnings, torch
from softnce.torch import MixedTargets, soft_target_info_nce
logits, labels = torch.zeros(8, 12), torch.arange(8)
targets = {
    "lambda": MixedTargets.mixed(labels, labels.flip(0), 0.3, 12),
    "distributions": torch.softmax(torch.arange(96.0).reshape(8, 12) % 7 / 2, 1),
}
others = {"lambda": MixedTargets.mixed(labels, labels.flip(0), torch.arange(8) / 9, 12), "distributions": labels}
words = {"lambda": "mixed with one lambda", "distributions": "distributions to be matched"}
for name in ["{first}", *({"lambda", "distributions"} - {"{first}"})]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(10):
            soft_target_info_nce(logits, targets[name], backend="{backend}")
    assert len(caught) == 1 and words[name] in str(caught[0].message), (name, caught)
    for _ in range(10):
        soft_target_info_nce(logits, others[name], backend="{backend}")
"""
    program = program.replace("{backend}", backend).replace("{first}", first)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
