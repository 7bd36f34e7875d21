"""The head without logits against the loss of the logits."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from reference import generator, info_nce, random_logits, random_noise, random_targets, reduce, written_out
from softnce.head import InfoNCEHead
from softnce.torch import ClassCandidates, MixedTargets, SoftTargetInfoNCE, TargetQueue, _head

BACKENDS = ["kernel", "tensor"]
WIDTH, CLASSES = 4, 11


def head(**options: Any) -> InfoNCEHead:
    torch.manual_seed(0)
    made = InfoNCEHead(WIDTH, CLASSES, bias=True, init_std=0.5, dtype=torch.float64, **options)
    with torch.no_grad():
        made.offsets.weight.copy_(random_logits(CLASSES, 1, 3))
    return made


@pytest.mark.parametrize("backend", [*BACKENDS, "kernel over many classes"])
@pytest.mark.parametrize("form", ["labels", "smoothed", "mixed", "recognised"])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_as_the_loss_of_the_logits(
    backend: str, form: str, sparse: bool, reduction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "kernel over many classes":
        monkeypatch.setattr(_head, "_MANY", 0)
        backend = "kernel"
    noise = random_noise(CLASSES)
    made = head(sparse=sparse, noise_probs=noise, temperature=0.6, reduction=reduction, backend=backend)
    features = random_logits(6, WIDTH).requires_grad_()
    targets, further = random_targets(form, 6, CLASSES), random_targets(form, 5, CLASSES, 9)
    weights = torch.rand(6, dtype=torch.float64, generator=generator(8))
    upstream = torch.randn(6 if reduction == "none" else (), dtype=torch.float64, generator=generator(9))
    inputs = (features, made.rows.weight, made.offsets.weight)
    everything = torch.cat([written_out(targets, CLASSES), written_out(further, CLASSES)])
    wanted = reduce(info_nce(made.logits(features), everything, noise=noise, tau=0.6), reduction, weights)
    loss = made(features, targets, candidates=further, row_weights=weights)
    torch.testing.assert_close(loss, wanted)
    expected = torch.autograd.grad(wanted, inputs, upstream)
    found = torch.autograd.grad(loss, inputs, upstream)
    assert found[1].is_sparse == sparse and found[2].is_sparse == sparse
    for gradient, other in zip(found, expected):
        dense = gradient.to_dense() if gradient.is_sparse else gradient
        torch.testing.assert_close(dense, other)


@pytest.mark.parametrize("backend", BACKENDS)
def test_only_classes_that_occur_are_touched(backend: str) -> None:
    made = InfoNCEHead(8, 1_000_000, noise_counts=torch.ones(1_000_000), backend=backend)
    targets = MixedTargets.mixed([7, 999_999], [12, 7], [0.75, 0.5], 1_000_000, 0.1)
    before = made.weight.detach().clone()
    optimiser = torch.optim.SGD(made.parameters(), lr=1.0)
    made(torch.randn(2, 8), targets).backward()
    assert made.weight.grad.is_sparse
    assert made.weight.grad.coalesce().indices().tolist() == [[7, 12, 999_999]]
    optimiser.step()
    moved = (made.weight.detach() != before).any(1).nonzero()[:, 0].tolist()
    assert moved == [7, 12, 999_999]


def test_sparse_optimisers_and_prediction() -> None:
    torch.manual_seed(2)
    made = InfoNCEHead(4, 6, learn_temperature=True)
    centres = torch.randn(6, 4) * 3
    labels = torch.arange(6).repeat(20)
    features = centres[labels] + 0.3 * torch.randn(120, 4)
    rows = torch.optim.SparseAdam([made.weight], lr=0.05)
    scale = torch.optim.Adam([made.log_temperature], lr=0.01)
    for _ in range(150):
        rows.zero_grad(), scale.zero_grad()
        made(features, MixedTargets.smoothed(labels, 6, 0.1)).backward()
        rows.step(), scale.step()
    posterior = made.posterior(made.logits(features))
    torch.testing.assert_close(posterior.sum(1), torch.ones(120))
    assert float((posterior.argmax(1) == labels).float().mean()) > 0.95
    assert made.temperature.item() != 1.0


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_narrow_types(backend: str, dtype: torch.dtype) -> None:
    made = head(backend=backend, sparse=False).to(dtype)
    features, targets = random_logits(6, WIDTH, dtype=dtype).requires_grad_(), random_targets("mixed", 6, CLASSES)
    loss = made(features, targets)
    assert loss.dtype == torch.float32
    loss.backward()
    wide = features.detach().double().requires_grad_()
    logits = wide @ made.weight.detach().double().T + made.bias.detach().double()
    expected = info_nce(logits, written_out(targets, CLASSES)).mean()
    expected.backward()
    tolerance = {torch.float32: 1e-5, torch.bfloat16: 3e-2, torch.float16: 5e-3}[dtype]
    torch.testing.assert_close(loss.double(), expected, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(features.grad.double(), wide.grad, rtol=10 * tolerance, atol=tolerance)


def test_autocast_widens_the_features() -> None:
    made = InfoNCEHead(4, 6)
    body = torch.nn.Linear(4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = body(torch.randn(3, 4))
        assert features.dtype == torch.bfloat16
        loss = made(features, torch.tensor([0, 1, 2]))
    assert loss.dtype == torch.float32
    loss.backward()
    assert body.weight.grad is not None and made.weight.grad.dtype == torch.float32


def test_a_queue() -> None:
    made = head(queue=TargetQueue(4, CLASSES), sparse=False)
    other = SoftTargetInfoNCE(queue=TargetQueue(4, CLASSES))
    for step in range(3):
        features, targets = random_logits(3, WIDTH, step), random_targets("mixed", 3, CLASSES, step)
        torch.testing.assert_close(made(features, targets), other(made.logits(features).detach(), targets))


BAD: Any = [
    (lambda: InfoNCEHead(0, 3), ValueError, "in_features is 0"),
    (lambda: InfoNCEHead(3, 3, candidates="classes"), ValueError, r"candidates is ClassCandidates\(\), expected Cl"),
    (
        lambda: InfoNCEHead(3, 3, candidates=ClassCandidates(2))(
            torch.zeros(1, 3), torch.tensor([0]), candidates=torch.tensor([0])
        ),
        ValueError,
        r"candidates is given, and the head has ClassCandidates\(count=2\)",
    ),
    (
        lambda: InfoNCEHead(3, 9, candidates=ClassCandidates(2))(
            torch.zeros(1, 3), MixedTargets.smoothed([0], 9, 0.25)
        ),
        ValueError,
        "targets has a uniform share of 0.25, expected 0: with classes as candidates it needs every class",
    ),
    (lambda: InfoNCEHead(3, 3, normalize=1), TypeError, "normalize is 1, expected True or False"),
    (lambda: head().top_k(torch.zeros(1, 4).double(), 12), ValueError, "k is 12, expected at most 11"),
    (lambda: head().top_k(torch.zeros(1, 4).double(), 0), ValueError, "k is 0, expected at least 1"),
    (
        lambda: head().log_likelihood(torch.zeros(2, 4).double(), torch.tensor([0])),
        ValueError,
        r"labels has shape \[1\], expected \[2\] class indices",
    ),
    (
        lambda: head().log_likelihood(torch.zeros(2, 4).double(), torch.tensor([0, 11])),
        IndexError,
        "labels names class 11, expected a class from 0 to 10",
    ),
    (lambda: InfoNCEHead(3, 3, dim=1), ValueError, "dim is 1, expected None"),
    (lambda: InfoNCEHead(3, 3, ignore_index=0), ValueError, "ignore_index is 0, expected None"),
    (lambda: InfoNCEHead(3, 3, init_std=-1.0), ValueError, "init_std is -1"),
    (lambda: InfoNCEHead(3, 3, noise_counts=[1, 2]), ValueError, r"noise_probs has shape \[2\], expected \[3\]"),
    (
        lambda: head()(torch.zeros(2, 3), torch.tensor([0, 1])),
        ValueError,
        r"features has shape \[2, 3\], expected \[N, 4\]",
    ),
    (lambda: head()([[0.0]], torch.tensor([0])), TypeError, "features is of type list"),
    (lambda: head()(torch.zeros(1, 4), torch.tensor([0])), TypeError, "features has dtype torch.float32"),
]


@pytest.mark.parametrize("make, kind, message", BAD)
def test_bad_arguments(make: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        make()


@pytest.mark.parametrize("backend", BACKENDS)
def test_bad_targets(backend: str) -> None:
    made, features = InfoNCEHead(WIDTH, 100, backend=backend), torch.zeros(2, WIDTH)
    unequal = MixedTargets.compact(torch.tensor([0.1, 0.3]), [[0], [1]], [[0.9], [0.7]], 100)
    for targets, kind, message in (
        (torch.tensor([0, 100]), IndexError, "100, expected a class from 0 to 99"),
        (
            torch.softmax(random_logits(2, 100), 1),
            ValueError,
            "more than 64 classes takes hard or compact targets, targets came as dense rows",
        ),
        (unequal, ValueError, "targets has uniform shares from 0.1"),
        (torch.tensor([0]), ValueError, "candidates is 1, expected at least 2"),
    ):
        with pytest.raises(kind, match=message):
            made(features, targets)


FEW: Any = [
    ("MixUp of two classes", 2, lambda: random_targets("recognised", 6, 2)),
    ("MixUp of two classes, float32", 2, lambda: random_targets("recognised", 6, 2).float()),
    ("smoothed", 2, lambda: random_targets("smoothed", 6, 2).dense(torch.float64)),
    ("three classes", 3, lambda: random_targets("recognised", 6, 3)),
    ("a teacher of four", 4, lambda: random_targets("dense", 6, 4)),
    ("a teacher of 64", 64, lambda: random_targets("dense", 6, 64)),
    ("unequal shares", 5, lambda: random_targets("shares", 6, 5)),
    ("uniform rows", 5, lambda: torch.full((6, 5), 0.2, dtype=torch.float64)),
    ("uniform compact rows", 100, lambda: MixedTargets.smoothed([0] * 6, 100, 1.0)),
    ("no listed class", 100, lambda: MixedTargets.compact(1.0, torch.zeros(6, 0).long(), torch.zeros(6, 0), 100)),
    ("uniform dense rows", 100, lambda: torch.full((6, 100), 0.01)),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name, classes, make", FEW, ids=[name for name, _, _ in FEW])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_rows_whose_shares_do_not_cancel(backend: str, name: str, classes: int, make: Any, reduction: str) -> None:
    torch.manual_seed(0)
    head = InfoNCEHead(
        WIDTH, classes, bias=True, init_std=0.5, dtype=torch.float64, sparse=False, backend=backend, reduction=reduction
    )
    features, targets = random_logits(6, WIDTH).requires_grad_(), make()
    inputs = (features, head.rows.weight, head.offsets.weight)
    further = torch.tensor([1, 0, 1])
    for candidates in (None, further):
        # Labels have no uniform share: with many classes they do not go together with smoothed rows.
        if candidates is not None and classes > 64:
            continue
        everything = written_out(targets, classes)
        everything = everything / everything.sum(1, keepdim=True)
        if candidates is not None:
            everything = torch.cat([everything, written_out(further, classes)])
        expected = reduce(info_nce(head.logits(features), everything), reduction)
        loss = head(features, targets, candidates=candidates)
        torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-7)
        for found, wanted in zip(torch.autograd.grad(loss.sum(), inputs), torch.autograd.grad(expected.sum(), inputs)):
            torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-7)


OPTIMISERS: Any = [
    (True, lambda rows: torch.optim.SparseAdam(rows, lr=0.05)),
    (True, lambda rows: torch.optim.SGD(rows, lr=1.0)),
    (True, lambda rows: torch.optim.SGD(rows, lr=0.3, momentum=0.9)),
    (True, lambda rows: torch.optim.Adagrad(rows, lr=0.3)),
    (False, lambda rows: torch.optim.AdamW(rows, lr=0.05)),
    (False, lambda rows: torch.optim.Adam(rows, lr=0.05)),
    (False, lambda rows: torch.optim.RMSprop(rows, lr=0.02)),
]


# PyTorch's own, once a process.
@pytest.mark.filterwarnings("ignore:Sparse invariant checks are implicitly disabled")
@pytest.mark.parametrize("sparse, make", OPTIMISERS)
def test_optimisers(sparse: bool, make: Any) -> None:
    torch.manual_seed(2)
    head = InfoNCEHead(4, 6, True, sparse=sparse)
    centres = torch.randn(6, 4) * 3
    labels = torch.arange(6).repeat(20)
    features = centres[labels] + 0.3 * torch.randn(120, 4)
    optimiser = make(list(head.parameters()))
    for _ in range(60):
        optimiser.zero_grad()
        head(features, MixedTargets.smoothed(labels, 6, 0.1)).backward()
        optimiser.step()
    assert float((head.logits(features).argmax(1) == labels).float().mean()) > 0.95


def test_gradients_are_not_shared_between_backwards() -> None:
    made, features = head(), random_logits(4, WIDTH).requires_grad_()
    labels = torch.tensor([0, 1, 2, 0])
    (expected,) = torch.autograd.grad(made(features, labels), features)
    loss = made(features, labels)
    (first,) = torch.autograd.grad(loss, features, retain_graph=True)
    first.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(loss, features)
    loss = made(features, labels)
    torch.autograd.grad(loss, features, retain_graph=True)
    torch.testing.assert_close(torch.autograd.grad(loss, features)[0], expected)


def test_targets_changed_before_backward_are_told() -> None:
    made, features, labels = (
        head(reduction="none"),
        random_logits(4, WIDTH).requires_grad_(),
        torch.tensor([0, 1, 2, 0]),
    )
    losses = made(features, labels)
    labels.fill_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        losses.sum().backward()


def test_the_state_of_a_linear_layer() -> None:
    linear = torch.nn.Linear(WIDTH, CLASSES, dtype=torch.float64)
    made, features = head(), random_logits(3, WIDTH)
    made.load_state_dict(linear.state_dict())
    torch.testing.assert_close(made.logits(features), linear(features))
    made.load_state_dict(made.state_dict())
    torch.testing.assert_close(made.logits(features), linear(features))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_dense_rows_of_any_type(backend: str, dtype: torch.dtype) -> None:
    made, features = head(backend=backend), random_logits(6, WIDTH)
    rows = random_targets("recognised", 6, CLASSES)
    expected = made(features, rows)
    tolerance = {torch.float32: 1e-6, torch.float16: 3e-3, torch.bfloat16: 2e-2}[dtype]
    torch.testing.assert_close(made(features, rows.to(dtype)), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("sparse", [False, True])
# Dynamo reads .grad of tensors that are no leaves where the graph breaks.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_compiled(backend: str, reduction: str, sparse: bool) -> None:
    torch._dynamo.reset()
    made = head(sparse=sparse, learn_temperature=True, noise_probs=random_noise(CLASSES), backend=backend)
    made.reduction = reduction

    def step(features: torch.Tensor, targets: Any, weights: torch.Tensor) -> torch.Tensor:
        return made(features * 2, targets, row_weights=weights) * 3

    # Sparse gradients need a graph break.
    function = torch.compile(step, backend="aot_eager", fullgraph=not sparse)
    weights = torch.rand(6, dtype=torch.float64, generator=generator(8))
    for form in ("labels", "mixed", "recognised"):
        found = []
        for each in (step, function):
            made.zero_grad()
            features = random_logits(6, WIDTH).requires_grad_()
            loss = each(features, random_targets(form, 6, CLASSES), weights)
            loss.backward(torch.arange(6.0, dtype=torch.float64) if reduction == "none" else None)
            gradients = [made.rows.weight.grad, made.offsets.weight.grad, made.log_temperature.grad, features.grad]
            found.append([loss.detach(), *(part.to_dense().clone() for part in gradients)])
        for one, other in zip(*found):
            torch.testing.assert_close(one, other)


def test_a_compiled_queue() -> None:
    torch._dynamo.reset()
    made = [head(sparse=False, queue=TargetQueue(4, CLASSES)) for _ in range(2)]
    function = torch.compile(made[1], backend="aot_eager", fullgraph=True)
    for step in range(3):
        features, targets = random_logits(3, WIDTH, step), random_targets("mixed", 3, CLASSES, step)
        torch.testing.assert_close(function(features, targets), made[0](features, targets))
    for one, other in zip(made[0].buffers(), made[1].buffers()):
        assert torch.equal(one, other)


def test_on_meta() -> None:
    for reduction, shape in (("mean", ()), ("none", (3,))):
        made = InfoNCEHead(WIDTH, CLASSES, bias=True, reduction=reduction, device="meta")
        features = torch.zeros(3, WIDTH, device="meta", requires_grad=True)
        loss = made(features, torch.zeros(3, dtype=torch.int64, device="meta"))
        assert loss.is_meta and loss.shape == shape
        loss.sum().backward()
        assert features.grad.is_meta and made.weight.grad.shape == made.weight.shape


@pytest.mark.parametrize("check_values", [True, "now", False])
def test_a_compiled_head_checks_as_asked(check_values: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list = []
    evaluate = _head.evaluate
    monkeypatch.setattr(_head, "evaluate", lambda call, *rest: asked.append(call.check_values) or evaluate(call, *rest))
    torch._dynamo.reset()
    made = head(sparse=False, check_values=check_values)
    function = torch.compile(made, backend="aot_eager", fullgraph=True)
    features, labels = random_logits(3, WIDTH).requires_grad_(), torch.tensor([0, 2, 1])
    function(features, labels).backward()
    # Forward and backward.
    assert len(asked) == 2 and all(value is check_values or value == check_values == "now" for value in asked)
    with pytest.raises(IndexError, match=f"is {CLASSES}, expected a class from 0 to {CLASSES - 1}"):
        function(features, torch.tensor([0, CLASSES, 1]))
