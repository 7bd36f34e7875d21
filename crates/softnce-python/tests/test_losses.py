"""Values and gradients of every path against the definition."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

import softnce.torch as losses
from reference import (
    FORMS,
    TOLERANCE,
    both,
    check_large_scores,
    close,
    cross_entropy,
    generator,
    golden_files,
    info_nce,
    random_logits,
    random_noise,
    random_targets,
    reduce,
    written_out,
)
from softnce.head import InfoNCEHead
from softnce.torch import MixedTargets, _kernel, _tensor

BACKENDS = ["kernel", "tensor"]
SHAPES = [(1, 1, 3), (1, 6, 5), (4, 4, 2), (7, 12, 10), (9, 40, 33)]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rows, candidates, classes", SHAPES)
def test_soft_target_info_nce(backend: str, form: str, rows: int, candidates: int, classes: int) -> None:
    logits = random_logits(rows, classes).requires_grad_()
    targets, noise = random_targets(form, candidates, classes), random_noise(classes)
    expected = both(info_nce(logits, written_out(targets, classes), noise=noise, tau=0.7).mean(), logits)
    loss = losses.soft_target_info_nce(logits, targets, noise_probs=noise, temperature=0.7, backend=backend)
    for found, wanted in zip(both(loss, logits), expected):
        close(found, wanted, TOLERANCE[torch.float64])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", FORMS)
def test_soft_target_cross_entropy(backend: str, form: str) -> None:
    logits = random_logits(9, 10).requires_grad_()
    targets = random_targets(form, 9, 10)
    expected = both(cross_entropy(logits, written_out(targets, 10), 0.7).mean(), logits)
    loss = losses.soft_target_cross_entropy(logits, targets, temperature=0.7, backend=backend)
    for found, wanted in zip(both(loss, logits), expected):
        close(found, wanted, TOLERANCE[torch.float64])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", FORMS)
def test_more_rows_than_candidates_share_their_positives(backend: str, form: str) -> None:
    logits = random_logits(20, 10).requires_grad_()
    targets, positives = random_targets(form, 4, 10), torch.arange(20) % 4
    written = written_out(targets, 10)
    scores = logits @ written.T.to(logits.dtype)
    expected = both(torch.nn.functional.cross_entropy(scores, positives), logits)
    loss = losses.soft_target_info_nce(logits, targets, positives=positives, backend=backend)
    for found, wanted in zip(both(loss, logits), expected):
        close(found, wanted, 1e-6 if form == "dense32" else TOLERANCE[torch.float64])


@pytest.mark.parametrize("backend", BACKENDS)
def test_hard_losses_take_one_hot_rows(backend: str) -> None:
    logits, labels = random_logits(6, 5), torch.tensor([2, 0, 1, 2, 4, 4])
    expected = losses.info_nce(logits, labels, backend=backend)
    dense = torch.nn.functional.one_hot(labels, 5).float()
    for targets in (dense, MixedTargets.hard(labels, 5), MixedTargets.mixed(labels, labels, torch.full((6,), 0.3), 5)):
        close(losses.info_nce(logits, targets, backend=backend), expected, 1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", BACKENDS)
def test_losses_beyond_the_range_of_half_precision_are_finite(backend: str) -> None:
    # 8192 rows of loss log 65536: the sum is 90,852, the largest float16 65,504.
    logits, positives = torch.zeros(8192, 2, dtype=torch.float16).requires_grad_(), torch.arange(8192) % 2
    counts = torch.full((2,), 32768.0)
    loss = losses.soft_target_info_nce(
        logits, torch.tensor([0, 1]), positives=positives, multiplicities=counts, reduction="sum", backend=backend
    )
    assert abs(float(loss.detach()) / (8192 * math.log(65536)) - 1) < 1e-6
    loss.backward()
    assert logits.grad is not None and logits.grad.dtype == torch.float16


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("candidates", [9, 64])
def test_info_nce(backend: str, candidates: int) -> None:
    # More candidates than classes are merged, fewer are not.
    logits, noise = random_logits(9, 20).requires_grad_(), random_noise(20)
    targets = random_targets("labels", candidates, 20)
    expected = both(info_nce(logits, written_out(targets, 20), noise=noise).mean(), logits)
    for found, wanted in zip(
        both(losses.info_nce(logits, targets, noise_probs=noise, backend=backend), logits), expected
    ):
        close(found, wanted, TOLERANCE[torch.float64])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_every_type_of_logits(backend: str, form: str, dtype: torch.dtype) -> None:
    logits = random_logits(9, 10, dtype=dtype).requires_grad_()
    targets = random_targets(form, 16, 10)
    wide = logits.detach().double().requires_grad_()
    expected = both(info_nce(wide, written_out(targets, 10)).mean(), wide)
    loss = losses.soft_target_info_nce(logits, targets, backend=backend)
    found = both(loss, logits)
    # The loss is in the type of its sums.
    assert found[0].dtype == torch.float32 and found[1].dtype == dtype
    for value, wanted in zip(found, expected):
        close(value, wanted, TOLERANCE[dtype])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("recognise", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_every_type_of_dense_targets(backend: str, recognise: bool, dtype: torch.dtype) -> None:
    logits = random_logits(9, 10).requires_grad_()
    rows = random_targets("recognised", 16, 10).to(dtype)
    exact = rows.double() / rows.double().sum(1, keepdim=True)
    expected = both(info_nce(logits, exact).mean(), logits)
    loss = losses.soft_target_info_nce(logits, rows, backend=backend, recognise=recognise)
    for found, wanted in zip(both(loss, logits), expected):
        close(found, wanted, 1e-6 if recognise else 1e-10)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", ["labels", "mixed", "dense"])
@pytest.mark.parametrize("kind", ["contrastive", "cross entropy"])
def test_reductions_and_upstream_gradients(backend: str, reduction: str, weighted: bool, form: str, kind: str) -> None:
    rows, classes = 6, 7
    logits = random_logits(rows, classes).requires_grad_()
    tau = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)
    targets = random_targets(form, rows, classes)
    weights = torch.rand(rows, dtype=torch.float64, generator=generator(5)) if weighted else None
    upstream = torch.randn(rows if reduction == "none" else (), dtype=torch.float64, generator=generator(6)) * 3
    dense = written_out(targets, classes)
    if kind == "contrastive":
        rowwise = info_nce(logits, dense, tau=tau)
        loss = losses.soft_target_info_nce(
            logits, targets, row_weights=weights, temperature=tau, reduction=reduction, backend=backend
        )
    else:
        rowwise = cross_entropy(logits, dense, tau)
        loss = losses.soft_target_cross_entropy(
            logits, targets, row_weights=weights, temperature=tau, reduction=reduction, backend=backend
        )
    expected = both(reduce(rowwise, reduction, weights), logits, tau, upstream=upstream)
    for found, wanted in zip(both(loss, logits, tau, upstream=upstream), expected):
        close(found, wanted, TOLERANCE[torch.float64])


@pytest.mark.parametrize("backend", BACKENDS)
def test_candidates_positives_and_multiplicities(backend: str) -> None:
    rows, classes = 5, 8
    logits, noise = random_logits(rows, classes).requires_grad_(), random_noise(classes)
    parts = [random_targets(form, 6, classes, seed) for seed, form in enumerate(FORMS)]
    dense = torch.cat([written_out(part, classes) for part in parts])
    positives = torch.randperm(len(dense), generator=generator(3))[:rows]
    counts = torch.randint(0, 4, (len(dense),), generator=generator(4)).double()
    wanted = info_nce(logits, dense, noise=noise, positives=positives, multiplicities=counts).mean()
    expected = both(wanted, logits)
    loss = losses.soft_target_info_nce(
        logits,
        parts[0],
        candidates=parts[1:],
        positives=positives,
        multiplicities=counts,
        noise_probs=noise,
        backend=backend,
    )
    for found, value in zip(both(loss, logits), expected):
        close(found, value, TOLERANCE[torch.float64])
    offset = both(info_nce(logits, dense, positives=torch.arange(7, 7 + rows)).mean(), logits)
    loss = losses.soft_target_info_nce(logits, parts[0], candidates=parts[1:], positives=7, backend=backend)
    for found, value in zip(both(loss, logits), offset):
        close(found, value, TOLERANCE[torch.float64])


@pytest.mark.parametrize("backend", BACKENDS)
def test_cross_entropy_of_targets_in_several_segments(backend: str) -> None:
    logits = random_logits(4, 6).requires_grad_()
    parts = [random_targets(form, 3, 6, seed) for seed, form in enumerate(["mixed", "labels", "dense"])]
    dense = torch.cat([written_out(part, 6) for part in parts])
    positives = torch.tensor([8, 0, 4, 2])
    from softnce.torch import _autograd, _call

    call = _call.make(
        "soft-target-cross-entropy",
        6,
        logits.device,
        parts[0],
        candidates=parts[1:],
        positives=positives,
        backend=backend,
    )
    expected = both(cross_entropy(logits, dense[positives]).mean(), logits)
    for found, wanted in zip(both(_autograd.apply(call, logits, None), logits), expected):
        close(found, wanted, TOLERANCE[torch.float64])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", ["labels", "mixed", "recognised", "dense"])
def test_large_scores(form: str, backend: str) -> None:
    check_large_scores(
        lambda *given, **options: losses.soft_target_info_nce(
            *given, backend=backend, recognise=form == "recognised", **options
        ),
        form,
    )


@pytest.mark.parametrize("form", FORMS)
def test_chunks_of_tensor_operations(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logits = random_logits(11, 10).requires_grad_()
    targets = random_targets(form, 23, 10)
    expected = both(losses.soft_target_info_nce(logits, targets, backend="tensor", reduction="none").sum(), logits)
    monkeypatch.setattr(_tensor, "CHUNK", 50)
    loss = losses.soft_target_info_nce(logits, targets, backend="tensor", reduction="none").sum()
    for found, wanted in zip(both(loss, logits), expected):
        close(found, wanted, 1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", ["labels", "mixed", "recognised", "dense"])
def test_memory_of_any_layout(backend: str, form: str) -> None:
    classes = 6
    plain = random_logits(5, classes)
    targets = random_targets(form, 8, classes)
    expected = losses.soft_target_info_nce(plain, targets)

    wider = torch.empty(10, 2 * classes, dtype=torch.float64)
    strided, turned = wider[::2, ::2].copy_(plain), plain.T.contiguous().T
    for logits in (strided, turned):
        assert not logits.is_contiguous()
        leaf = logits.detach().requires_grad_()
        loss = losses.soft_target_info_nce(leaf, targets, backend=backend)
        close(loss.detach(), expected, 1e-13)
        (gradient,) = torch.autograd.grad(loss, leaf)
        close(gradient, torch.autograd.grad(_plain(plain, targets, backend), _LEAF)[0], 1e-13)
    row = plain[:1].expand(5, classes)
    repeated = losses.soft_target_info_nce(row, targets, backend=backend)
    close(repeated, losses.soft_target_info_nce(row.contiguous(), targets), 1e-13)
    if isinstance(targets, Tensor):
        spaced = torch.stack((targets, targets), 1)[:, 0]
        assert not spaced.is_contiguous()
        close(losses.soft_target_info_nce(plain, spaced, backend=backend), expected, 1e-13)
    else:
        spaced = MixedTargets.compact(
            targets.uniform, targets.classes.T.contiguous().T, targets.weights.T.contiguous().T, classes
        )
        close(losses.soft_target_info_nce(plain, spaced, backend=backend), expected, 1e-13)


_LEAF: Any = None


def _plain(logits: Tensor, targets: Any, backend: str) -> Tensor:
    global _LEAF
    _LEAF = logits.clone().requires_grad_()
    return losses.soft_target_info_nce(_LEAF, targets, backend=backend)


# One of them mixes with one lambda and has no candidates from elsewhere.
@pytest.mark.filterwarnings("ignore:all rows are mixed with one lambda")
@pytest.mark.parametrize("golden", golden_files(), ids=lambda golden: golden.name)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("recognise", [True, False])
def test_golden_files(golden: Any, backend: str, recognise: bool) -> None:
    logits = golden.tensors["logits"].requires_grad_()
    loss = losses.soft_target_info_nce(
        logits,
        golden.tensors["targets"],
        positives=golden.first_positive,
        noise_probs=golden.tensors["noise_probs"],
        temperature=golden.temperature,
        reduction=golden.reduction,
        backend=backend,
        recognise=recognise,
    )
    close(loss.detach().reshape(1), golden.tensors["loss"], 1e-12)
    (gradient,) = torch.autograd.grad(loss, logits)
    close(gradient, golden.tensors["grad_logits"], 1e-12)


@pytest.mark.parametrize("form", ["labels", "mixed", "recognised", "dense"])
def test_the_kernels_give_the_same_bits_each_time(form: str) -> None:
    logits = random_logits(64, 100, dtype=torch.float32).requires_grad_()
    targets = random_targets(form, 300, 100)
    first = both(losses.soft_target_info_nce(logits, targets), logits)
    for _ in range(3):
        for found, wanted in zip(both(losses.soft_target_info_nce(logits, targets), logits), first):
            assert torch.equal(found, wanted)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_gradient_of_a_confident_row_in_half_precision(backend: str) -> None:
    # p = 1 - 1e-3: own-class gradients are small differences of numbers near 1.
    for dtype in (torch.float16, torch.bfloat16):
        logits = torch.tensor([[7.0, 0.0]], dtype=dtype, requires_grad=True)
        loss = losses.info_nce(logits, torch.tensor([0, 1]), backend=backend)
        (gradient,) = torch.autograd.grad(loss, logits)
        assert abs(float(gradient[0, 0]) / (-1.0 / (1.0 + math.exp(7.0))) - 1) < 1e-2
        assert float(gradient.sum()) == 0.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_backward_twice_and_without_a_graph(backend: str) -> None:
    logits = random_logits(4, 5).requires_grad_()
    targets = random_targets("mixed", 4, 5)
    loss = losses.soft_target_info_nce(logits, targets, backend=backend)
    loss.backward(retain_graph=True)
    once = logits.grad.clone()
    loss.backward()
    close(logits.grad, 2 * once, 1e-15)
    with torch.no_grad():
        assert not losses.soft_target_info_nce(logits, targets, backend=backend).requires_grad


def test_values_at_the_limits() -> None:
    # M = 1: nothing to tell the positive from. M identical candidates: log M.
    one = losses.soft_target_info_nce(torch.randn(1, 4), MixedTargets.smoothed([2], 4, 0.1))
    assert float(one) == 0.0
    same = losses.soft_target_info_nce(torch.zeros(3, 4), MixedTargets.smoothed([2, 2, 2], 4, 0.1))
    assert abs(float(same) - math.log(3.0)) < 1e-6


@pytest.mark.parametrize("backend", BACKENDS)
def test_views_with_their_sign_turned(backend: str) -> None:
    turned = torch.complex(torch.zeros(4, 3), random_logits(4, 3, dtype=torch.float32)).conj().imag
    assert turned.is_neg()
    labels = torch.tensor([0, 1, 2, 0])
    found = losses.soft_target_info_nce(turned, labels, backend=backend)
    torch.testing.assert_close(found, losses.soft_target_info_nce(turned.resolve_neg().clone(), labels))


@pytest.mark.parametrize("backend", BACKENDS)
def test_values_beyond_single_precision(backend: str) -> None:
    logits, labels = random_logits(4, 3, dtype=torch.float32), torch.tensor([0, 1, 2, 0])
    noise = torch.tensor([1e-60, 0.5, 0.5], dtype=torch.float64)
    expected = info_nce(logits.double(), written_out(labels, 3), noise=noise).mean()
    found = losses.soft_target_info_nce(logits, labels, noise_probs=noise, backend=backend)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)
    counts = torch.tensor([1e60, 1e60, 2e60, 1e60], dtype=torch.float64)
    expected = info_nce(logits.double(), written_out(labels, 3), multiplicities=counts).mean()
    found = losses.soft_target_info_nce(logits, labels, multiplicities=counts, backend=backend)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)
    weights = torch.tensor([2e38, 1e38, 2e38, 3e38])
    expected = reduce(info_nce(logits.double(), written_out(labels, 3)), "mean", weights.double())
    found = losses.soft_target_info_nce(logits, labels, row_weights=weights, backend=backend)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "uint32", "uint64"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_every_type_of_labels(dtype: str, backend: str) -> None:
    logits, labels = random_logits(4, 3), torch.tensor([0, 1, 2, 0])
    narrow = labels.to(getattr(torch, dtype))
    assert losses.info_nce(logits, narrow, backend=backend) == losses.info_nce(logits, labels, backend=backend)
    compact = MixedTargets.smoothed(labels, 3, 0.1)
    expected = losses.soft_target_info_nce(logits, compact, positives=labels, backend=backend)
    compact = MixedTargets.compact(0.1, narrow[:, None], compact.weights, 3)
    assert torch.equal(losses.soft_target_info_nce(logits, compact, positives=narrow, backend=backend), expected)


def test_no_gradient_is_computed_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list = []
    run = _kernel.run
    monkeypatch.setattr(_kernel, "run", lambda *given: wanted.append(given[-1].logits) or run(*given))
    logits, labels = random_logits(4, 3).requires_grad_(), torch.tensor([0, 1, 2, 0])
    # The second call takes the general path.
    for options in ({}, {"row_weights": torch.ones(4)}):
        losses.soft_target_info_nce(logits, labels, **options)
        with torch.no_grad():
            losses.soft_target_info_nce(logits, labels, **options)
    assert wanted == [True, False] * 2


def test_a_teachers_rounded_probabilities() -> None:
    for seed in range(20):
        teacher = torch.softmax(12 * torch.randn(8, 100, generator=generator(seed)), 1)
        probabilities, classes = teacher.topk(5, 1)
        losses.soft_target_info_nce(torch.zeros(8, 100), MixedTargets.top_k(classes, probabilities, 100))


@pytest.mark.parametrize("backend", BACKENDS)
def test_many_nearly_equal_candidates_do_not_drift(backend: str) -> None:
    # 2^20 terms for three classes: a sum in single precision, one after another, would be off by 1e-4 and more.
    count = 1 << 20
    labels = torch.arange(count)
    share = 0.4 + 0.2 * torch.rand(count, dtype=torch.float64, generator=generator(1))
    logits = torch.tensor([[0.01, -0.02, 0.03]]).requires_grad_()
    for smoothing in (0.0, 0.1):
        targets = MixedTargets.mixed(labels % 3, (labels + 1) % 3, share, 3, smoothing)
        wide = logits.detach().double().requires_grad_()
        expected = both(info_nce(wide, targets.dense(torch.float64)).mean(), wide)
        found = both(losses.soft_target_info_nce(logits, targets, backend=backend), logits)
        for single, double in zip(found, expected):
            assert float((single.double() - double).abs().max() / double.abs().max()) < 1e-6


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_short_path_and_the_general_one_agree(form: str, dtype: torch.dtype) -> None:
    # Row weights of 1 lead to the general path.
    targets = random_targets(form, 6, 5)
    for reduction in ("mean", "sum", "none"):
        for layout in ("rows", "columns"):
            logits = random_logits(6, 5, dtype=dtype)
            logits = logits.t().contiguous().t() if layout == "columns" else logits
            leaf = logits.requires_grad_()
            tau = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
            options: Any = {"noise_probs": random_noise(5), "temperature": tau, "reduction": reduction}
            upstream = torch.tensor(0.5) if reduction != "none" else torch.arange(6.0)
            results = []
            for weights in (None, torch.ones(6)):
                loss = losses.soft_target_info_nce(leaf, targets, row_weights=weights, **options)
                results.append(both(loss, leaf, tau, upstream=upstream.to(loss.dtype)))
            for short, general in zip(*results):
                assert short.dtype == general.dtype and short.shape == general.shape
                close(short, general.double(), TOLERANCE[dtype])


def test_targets_modified_before_second_derivatives() -> None:
    for options in ({}, {"row_weights": torch.ones(4)}):
        logits, targets = random_logits(4, 3).requires_grad_(), random_targets("dense", 4, 3)
        loss = losses.soft_target_info_nce(logits, targets, **options)
        targets.mul_(1.0)
        # First derivatives have been computed already.
        torch.autograd.grad(loss, logits, retain_graph=True)
        with pytest.raises(RuntimeError, match="modified in place"):
            torch.autograd.grad(loss, logits, create_graph=True)


def test_under_another_default_device() -> None:
    logits, labels = random_logits(4, 3), torch.tensor([0, 1, 2, 0])
    expected = losses.soft_target_info_nce(logits, labels)
    criterion, head, features = losses.SoftTargetInfoNCE(learn_temperature=True), InfoNCEHead(2, 3), torch.ones(4, 2)
    with torch.device("meta"):
        assert losses.soft_target_info_nce(logits, labels) == expected
        assert losses.soft_target_info_nce(logits, labels, row_weights=torch.ones(4, device="cpu")) == expected
        assert criterion(logits, labels).device.type == "cpu"
        assert head(features, labels).device.type == "cpu"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("form", ["labels", "mixed", "dense"])
@pytest.mark.parametrize("power", [35, 100, 290])
def test_double_precision_beyond_the_range_of_single(backend: str, form: str, power: int) -> None:
    for seed in range(20):
        logits = (random_logits(4, 6, seed) * 10.0**power).requires_grad_()
        targets = random_targets(form, 4, 6, seed)
        # The logarithm of a sum of equal terms must not be lost beside the scores.
        critic = (logits - logits.detach().amax(1, keepdim=True)) @ written_out(targets, 6).T
        expected = both(-torch.log_softmax(critic, 1).diagonal().sum(), logits)
        found = both(losses.soft_target_info_nce(logits, targets, reduction="sum", backend=backend), logits)
        for value, wanted in zip(found, expected):
            close(value, wanted, 1e-12)
