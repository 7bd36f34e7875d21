"""Soft target InfoNCE and InfoNCE by Triton kernels, run by Triton's interpreter, against the definition."""

from __future__ import annotations

import random
from typing import Any, Dict, Tuple

import pytest
import torch
from torch import Tensor

import softnce.torch as losses
from reference import (
    FORMS,
    FULL,
    TOLERANCE,
    both,
    check_large_scores,
    close,
    generator,
    golden_files,
    info_nce,
    random_logits,
    random_noise,
    random_targets,
    reduce,
    thinned,
    written_out,
)
from softnce.torch import InfoNCE, MixedTargets, SoftTargetInfoNCE, TargetQueue, _call, _fused, _packing
from softnce.torch._devices import INTERPRETED

pytestmark = [
    pytest.mark.skipif(not INTERPRETED, reason="needs TRITON_INTERPRET=1"),
    # The interpreter computes with NumPy, which warns where a device gives infinity or NaN.
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
SOFT = [form for form in FORMS if form != "dense"]
#: The interpreter is slow: the large golden files run on CUDA.
SMALL = sorted(golden_files(), key=lambda golden: golden.tensors["logits"].numel() + golden.tensors["targets"].numel())[
    : 4 if FULL else 2
]


@pytest.fixture(autouse=True)
def always_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dense rows are searched for their compact form, whatever the tests before had."""
    if INTERPRETED:
        from softnce.torch._triton import recognised

        monkeypatch.setattr(recognised, "given_up", lambda device, num_classes: False)


def soft(logits: Any, targets: Any, **options: Any) -> Any:
    return losses.soft_target_info_nce(logits, targets, backend="triton", **options)


def sums(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


def compare(found: Tuple[Tensor, ...], expected: Tuple[Tensor, ...], dtype: torch.dtype) -> None:
    """Loss, gradient of the logits (in their type) and perhaps that of the temperature."""
    for place, (mine, wanted) in enumerate(zip(found, expected)):
        close(mine, wanted, TOLERANCE[dtype if place == 1 else sums(dtype)])


@pytest.mark.parametrize(
    "form, dtype, reduction, options", thinned(4, FORMS, TOLERANCE, ["none", "mean", "sum"], [False, True])
)
def test_values_and_gradients(form: str, dtype: torch.dtype, reduction: str, options: bool) -> None:
    shapes = [(1, 1, 3), (3, 40, 21), (5, 17, 33), (4, 33, 16), (2, 16, 50)]
    if form == "dense" and not FULL:
        # Without a compact form each candidate's row is read class by class, slowly in the interpreter.
        shapes = [(2, 17, 5), (3, 4, 18)]
    rows, size, classes = shapes[(len(form) + len(str(dtype)) + len(reduction) + options) % len(shapes)]
    logits = random_logits(rows, classes, dtype=dtype).requires_grad_()
    tau = torch.tensor(0.7, dtype=torch.float64, requires_grad=options)
    targets = random_targets(form, size, classes)
    weights = torch.rand(rows, dtype=torch.float64, generator=generator(5)) + 0.1 if options else None
    upstream = torch.randn(rows if reduction == "none" else (), dtype=torch.float64, generator=generator(6))
    wide = logits.detach().double().requires_grad_()
    inputs = (wide, tau) if options else (wide,)
    rest: Dict[str, Any] = {"noise": random_noise(classes)} if options else {}
    if options:
        rest["positives"] = torch.randint(size, (rows,), generator=generator(3))
    rowwise = info_nce(wide, written_out(targets, classes), tau=tau, **rest)
    expected = both(reduce(rowwise, reduction, weights), *inputs, upstream=upstream)
    value = soft(
        logits,
        targets,
        noise_probs=rest.get("noise"),
        positives=rest.get("positives"),
        temperature=tau if options else 0.7,
        row_weights=weights,
        reduction=reduction,
    )
    assert value.dtype == sums(dtype)
    found = both(value, logits, *inputs[1:], upstream=upstream.to(value.dtype))
    assert found[1].dtype == dtype and found[1].is_contiguous()
    compare(found, expected, dtype)


@pytest.mark.parametrize("seed", range(40 if FULL else 10))
def test_random_calls(seed: int) -> None:
    """Ragged shapes, several segments of any form, and every option, at random."""
    draw = random.Random(seed)
    rows, classes = draw.randint(1, 7), draw.choice([2, 3, 7, 15, 16, 17, 31, 40])
    forms = [draw.choice(SOFT[:-1]) for _ in range(draw.randint(1, 3))]
    if draw.random() < 0.25:
        forms = [draw.choice(["recognised", "dense"])]
    counts = [draw.randint(1, 40) for _ in forms]
    parts = [
        random_targets(form, count, classes, seed + place) for place, (form, count) in enumerate(zip(forms, counts))
    ]
    written = torch.cat([written_out(part, classes) for part in parts])
    dtype = draw.choice([torch.float32, torch.float64])
    logits = (random_logits(rows, classes, seed) * draw.choice([1, 1, 10])).to(dtype).requires_grad_()
    options: Dict[str, Any] = {}
    if sum(counts) < rows or draw.random() < 0.5:
        options["positives"] = torch.randint(sum(counts), (rows,), generator=generator(seed))
    elif draw.random() < 0.5:
        options["positives"] = draw.randint(0, sum(counts) - rows)
    if draw.random() < 0.5:
        options["noise_probs"] = random_noise(classes, seed).to(draw.choice([torch.float32, torch.float64]))
    if draw.random() < 0.4:
        multiplicities = torch.randint(0, 4, (sum(counts),), generator=generator(seed)).double()
        options["multiplicities"] = multiplicities.index_fill_(0, torch.tensor([draw.randrange(sum(counts))]), 1.5)
    if draw.random() < 0.5:
        options["row_weights"] = torch.rand(rows, dtype=torch.float64, generator=generator(seed)) + 0.01
    options["reduction"] = draw.choice(["none", "mean", "sum"])
    tau = torch.tensor(draw.choice([0.5, 1.0, 2.0]), dtype=torch.float64, requires_grad=draw.random() < 0.5)
    wide = logits.detach().double().requires_grad_()
    index = options.get("positives", 0)
    index = index if isinstance(index, Tensor) else torch.arange(index, index + rows)
    noise = options.get("noise_probs")
    rowwise = info_nce(
        wide,
        written,
        noise=None if noise is None else noise.double(),
        tau=tau,
        positives=index,
        multiplicities=options.get("multiplicities"),
    )
    inputs = (wide, tau) if tau.requires_grad else (wide,)
    upstream = torch.randn(rowwise.shape if options["reduction"] == "none" else (), generator=generator(seed)).double()
    expected = both(reduce(rowwise, options["reduction"], options.get("row_weights")), *inputs, upstream=upstream)
    temperature = tau if tau.requires_grad else float(tau)
    value = soft(logits, parts[0], candidates=parts[1:] or None, temperature=temperature, **options)
    found = both(value, logits, *inputs[1:], upstream=upstream.to(value.dtype))
    compare(found, expected, dtype)


@pytest.mark.parametrize("form", ["labels", "hard", "one-hot", "same class twice"])
@pytest.mark.parametrize("counted", [False, True])
def test_hard_losses(form: str, counted: bool) -> None:
    labels = torch.randint(7, (24,), generator=generator(1))
    targets: Any = labels
    if form == "hard":
        targets = MixedTargets.hard(labels, 7)
    elif form == "one-hot":
        targets = torch.nn.functional.one_hot(labels, 7).float()
    elif form == "same class twice":
        targets = MixedTargets.mixed(labels, labels, torch.full((24,), 0.3), 7)
    logits = random_logits(5, 7).requires_grad_()
    counts = torch.randint(1, 4, (24,), generator=generator(2)).double() if counted else None
    expected = both(info_nce(logits, written_out(labels, 7), multiplicities=counts).mean(), logits)
    found = both(losses.info_nce(logits, targets, multiplicities=counts, backend="triton"), logits)
    compare(found, expected, torch.float64)


def test_many_terms() -> None:
    teacher = torch.softmax(2 * torch.randn(12, 40, dtype=torch.float64, generator=generator(1)), 1)
    targets = MixedTargets.top_k(*reversed(teacher.topk(9, 1)), 40)
    logits = random_logits(4, 40).requires_grad_()
    expected = both(info_nce(logits, written_out(targets, 40)).mean(), logits)
    compare(both(soft(logits, targets), logits), expected, torch.float64)


def test_a_queue() -> None:
    results = []
    for backend in ("kernel", "triton"):
        criterion = SoftTargetInfoNCE(0.8, noise_probs=random_noise(6), queue=TargetQueue(24, 6), backend=backend)
        for step in range(3):
            logits = random_logits(5, 6, step).requires_grad_()
            found = both(criterion(logits, random_targets("mixed", 5, 6, step)), logits)
        results.append(found)
    compare(results[1], results[0], torch.float64)


@pytest.mark.parametrize("form", ["labels", "mixed", "recognised", "dense"])
def test_memory_of_any_layout(form: str) -> None:
    plain, targets = random_logits(5, 6), random_targets(form, 8, 6)
    leaf = plain.clone().requires_grad_()
    expected = both(soft(leaf, targets), leaf)
    for logits in (torch.empty(10, 12, dtype=torch.float64)[::2, ::2].copy_(plain), plain.T.contiguous().T):
        leaf = logits.detach().requires_grad_()
        for found, wanted in zip(both(soft(leaf, targets), leaf), expected):
            close(found, wanted, 1e-13)
    spaced: Any
    if isinstance(targets, Tensor):
        spaced = torch.stack((targets, targets), 1)[:, 0]
    else:
        spaced = MixedTargets.compact(targets.uniform, targets.classes.T.clone().T, targets.weights.T.clone().T, 6)
    leaf = plain.clone().requires_grad_()
    for found, wanted in zip(both(soft(leaf, spaced), leaf), expected):
        close(found, wanted, 1e-13)


@pytest.mark.filterwarnings("ignore:all rows are mixed with one lambda")
@pytest.mark.parametrize("golden", SMALL, ids=lambda golden: golden.name)
def test_golden_files(golden: Any) -> None:
    logits = golden.tensors["logits"].requires_grad_()
    loss = soft(
        logits,
        golden.tensors["targets"],
        positives=golden.first_positive,
        noise_probs=golden.tensors["noise_probs"],
        temperature=golden.temperature,
        reduction=golden.reduction,
    )
    close(loss.detach().reshape(1), golden.tensors["loss"], 1e-12)
    (gradient,) = torch.autograd.grad(loss, logits)
    close(gradient, golden.tensors["grad_logits"], 1e-12)


@pytest.mark.parametrize("form", ["labels", "mixed", "shares", "recognised", "dense"])
def test_gradients_against_finite_differences(form: str) -> None:
    targets, weights = random_targets(form, 6, 5), torch.rand(3, dtype=torch.float64, generator=generator(7))

    def loss(logits: Tensor, tau: Tensor) -> Tensor:
        return soft(logits, targets, noise_probs=random_noise(5), row_weights=weights, temperature=tau)

    tau = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (random_logits(3, 5).requires_grad_(), tau))


@pytest.mark.parametrize("form", ["labels", "mixed", "recognised"])
def test_large_scores(form: str) -> None:
    check_large_scores(soft, form)


def test_confident_rows_keep_their_gradient() -> None:
    for gap in (7.0, 30.0):
        for targets in (torch.tensor([0, 1]), MixedTargets([[0, 1], [1, 0]], [[1.0, 0.0], [1.0, 0.0]], 2)):
            logits = torch.tensor([[gap, 0.0]], requires_grad=True)
            loss, gradient = both(soft(logits, targets), logits)
            exact = torch.exp(torch.tensor(-gap, dtype=torch.float64))
            assert abs(float(gradient[0, 0]) / float(-exact / (1 + exact)) - 1) < 1e-5
            assert abs(float(loss) / float(torch.log1p(exact)) - 1) < 1e-5
            assert float(gradient.sum()) == 0.0


def test_values_beyond_single_precision() -> None:
    logits, labels = random_logits(4, 3, dtype=torch.float32), torch.tensor([0, 1, 2, 0])
    wide, dense = logits.double(), written_out(torch.tensor([0, 1, 2, 0]), 3)
    noise = torch.tensor([1e-60, 0.5, 0.5], dtype=torch.float64)
    counts = torch.tensor([1e60, 1e60, 2e60, 1e60], dtype=torch.float64)
    weights = torch.tensor([2e38, 1e38, 2e38, 3e38])
    heavy = weights.double() * 1e22
    logits, wide = logits.requires_grad_(), wide.requires_grad_()
    calls = [dict(noise=noise), dict(multiplicities=counts), {}, {}]
    for targets, given in ((labels, {}), (dense, {}), (dense, {"recognise": False})):
        for options, each in zip(calls, (None, None, weights, heavy)):
            rest = {"noise_probs" if name == "noise" else name: value for name, value in options.items()}
            found = both(soft(logits, targets, row_weights=each, **rest, **given), logits)
            wanted = info_nce(wide, dense, **options)
            expected = both(reduce(wanted, "mean", None if each is None else each.double()), wide)
            for mine, other in zip(found, expected):
                torch.testing.assert_close(mine.double(), other, rtol=2e-5, atol=1e-6)


def test_the_order_of_candidates_changes_no_bit_of_the_sums_by_class() -> None:
    logits, targets = random_logits(3, 9, dtype=torch.float32), random_targets("mixed", 40, 9)
    leaf = logits.requires_grad_()
    (first,) = torch.autograd.grad(soft(leaf, targets), leaf)
    (again,) = torch.autograd.grad(soft(leaf, targets), leaf)
    assert torch.equal(first, again)


def test_backward_twice_and_without_a_graph() -> None:
    for form in ("labels", "mixed", "recognised"):
        logits, tau = random_logits(4, 5).requires_grad_(), torch.tensor(0.5, requires_grad=True)
        loss = soft(logits, random_targets(form, 4, 5), temperature=tau)
        loss.backward(retain_graph=True)
        once = logits.grad.clone(), tau.grad.clone()
        loss.backward()
        close(logits.grad, 2 * once[0], 1e-15)
        close(tau.grad, 2 * once[1], 1e-6)
        with torch.no_grad():
            assert not soft(logits, random_targets(form, 4, 5)).requires_grad


def launches(function: Any) -> int:
    """Launches of a call and its backward pass: of kernels, and of tensor operations that have one."""
    from torch.utils._python_dispatch import TorchDispatchMode

    from softnce.torch._triton import launch

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, operation: Any, types: Any, given: Any = (), named: Any = None) -> Any:
            # Memory and views need no launch.
            if not any(word in operation.name() for word in ("empty", "detach", "view", "slice", "alias", "select")):
                seen.append(operation.name())
            return operation(*given, **(named or {}))

    seen: list = []
    # The interpreter would run tensor operations of its own.
    with launch.recorded() as kernels, Count():
        function()
    assert kernels
    return len(kernels) + len(seen)


@pytest.mark.parametrize(
    "form, most", [("labels", 4), ("smoothed", 4), ("mixed", 4), ("shares", 4), ("recognised", 6), ("dense", 6)]
)
@pytest.mark.parametrize("noise", [False, True])
def test_launches(form: str, most: int, noise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from softnce.torch import _autograd

    # The mode that counts would otherwise send the call through the registered operation, as it does while tracing.
    monkeypatch.setattr(_autograd, "_get_current_dispatch_mode", lambda: None)
    targets, probabilities = random_targets(form, 8, 6), random_noise(6) if noise else None
    for reduction in ("mean", "none"):
        logits = random_logits(4, 6, dtype=torch.float32).requires_grad_()
        upstream = torch.ones(() if reduction == "mean" else 4)

        def step(logits: Tensor = logits, upstream: Tensor = upstream, reduction: str = reduction) -> None:
            loss = soft(logits, targets, noise_probs=probabilities, reduction=reduction)
            torch.autograd.grad(loss, logits, upstream)

        assert launches(step) <= most


@pytest.mark.parametrize("form", ["labels", "mixed", "recognised"])
def test_memory_beyond_the_gradient(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # What timm's loss holds on the same logits: log_softmax, its product with the targets and their two gradients.
    from softnce.torch._triton import compact

    rows, size, classes = 8, 64, 40
    taken = 0
    empty, zeros = torch.empty, torch.zeros

    def counted(make: Any) -> Any:
        def allocate(*shape: Any, **options: Any) -> Tensor:
            nonlocal taken
            out = make(*shape, **options)
            taken += out.numel() * out.element_size()
            return out

        return allocate

    logits, targets = (
        random_logits(rows, classes, dtype=torch.float32).requires_grad_(),
        random_targets(form, size, classes),
    )
    soft(logits, targets)
    monkeypatch.setattr(compact, "OCCUPANCY", 1000)
    monkeypatch.setattr(torch, "empty", counted(empty))
    monkeypatch.setattr(torch, "zeros", counted(zeros))
    soft(logits, targets).backward()
    timm = 4 * 4 * rows * classes
    candidates = {"labels": 4, "mixed": 16, "recognised": 8 * 4}[form] * size
    assert taken <= timm // 2 + candidates + 32 * rows + 8 * classes + 64


# The check itself reads .grad of tensors that are no leaves.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize(
    "made",
    [
        ("hard", "soft-target-infonce", "labels"),
        ("compact", "soft-target-infonce", "mixed"),
        ("recognised", "soft-target-infonce", "dense"),
        ("recognised", "infonce", "one-hot"),
        ("dense", "soft-target-infonce", "dense"),
        ("cross_entropy", "soft-target-cross-entropy", "mixed"),
    ],
)
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_the_registration_is_sound(made: Tuple[str, str, str], reduction: str) -> None:
    family, kind, form = made
    targets = random_targets("labels" if form == "one-hot" else form, 4, 3)
    targets = torch.eye(3)[targets] if form == "one-hot" else targets
    noise = None if family == "cross_entropy" else random_noise(3)
    call = _call.make(
        kind,
        3,
        torch.device("cpu"),
        targets,
        noise_probs=noise,
        backend="triton",
        recognise=family == "recognised",
        reduction=reduction,
    )
    logits, tau = random_logits(3, 3, dtype=torch.float32).requires_grad_(), torch.tensor(0.5, requires_grad=True)
    name = _fused.choose(call, logits.device)
    assert name == family
    # Registers the operation.
    from softnce.torch import _fused_operation  # noqa: F401

    torch.library.opcheck(torch.ops.softnce.fused.default, (logits, tau, *_packing.pack(call, str(name))))


@pytest.mark.parametrize("form", ["labels", "mixed", "shares", "recognised", "dense"])
def test_compiled_as_in_eager_mode(form: str) -> None:
    targets, weights = random_targets(form, 7, 6), torch.rand(5, dtype=torch.float64, generator=generator(3))
    criterion = SoftTargetInfoNCE(0.7, "none", noise_probs=random_noise(6), learn_temperature=True, backend="triton")

    def step(logits: Tensor) -> Tensor:
        return criterion(logits * 2, targets, row_weights=weights)

    torch._dynamo.reset()
    results = []
    for function in (step, torch.compile(step, backend="aot_eager", fullgraph=True)):
        criterion.zero_grad()
        logits = random_logits(5, 6).requires_grad_()
        loss = function(logits)
        (loss * torch.arange(1.0, 6.0)).sum().backward()
        results.append((loss.detach(), logits.grad, criterion.log_temperature.grad.clone()))
    for found, expected in zip(results[1], results[0]):
        assert torch.equal(found, expected)


def test_compiled_for_any_number_of_rows() -> None:
    torch._dynamo.reset()
    for form in ("labels", "mixed", "recognised"):
        function = torch.compile(soft, backend="aot_eager", fullgraph=True, dynamic=True)
        for rows in (3, 6):
            logits, targets = random_logits(rows, 6), random_targets(form, rows, 6)
            torch.testing.assert_close(function(logits, targets), soft(logits, targets))


def test_autocast() -> None:
    targets = random_targets("mixed", 4, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = torch.nn.functional.linear(torch.randn(4, 3, generator=generator(1)), torch.ones(5, 3))
        logits.requires_grad_()
        loss = soft(logits, targets)
    assert logits.dtype == torch.bfloat16 and loss.dtype == torch.float32
    wide = logits.detach().double().requires_grad_()
    compare(both(loss, logits), both(info_nce(wide, written_out(targets, 5)).mean(), wide), torch.bfloat16)


def test_modules_use_the_kernels() -> None:
    from softnce.torch._triton import launch

    logits, labels = random_logits(4, 5), torch.tensor([0, 1, 2, 0])
    before = launch.count()
    found = InfoNCE(backend="triton")(logits, labels)
    assert launch.count() == before + 2
    close(found, info_nce(logits, written_out(labels, 5)).mean(), 1e-12)
