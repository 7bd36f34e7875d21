"""Logits of other shapes than [N, d], ignored labels, class weights, label smoothing and empty batches."""

from __future__ import annotations

from typing import Any, Dict

import pytest
import torch
from torch import Tensor, nn

import softnce.torch as losses
from reference import generator, info_nce, random_logits, random_noise, random_targets, written_out
from softnce.data import Mixup
from softnce.torch import InfoNCE, MixedTargets, SoftTargetCrossEntropy, SoftTargetInfoNCE, TargetQueue

BACKENDS = ["kernel", "tensor"]
REDUCTIONS = ["mean", "sum", "none"]
CLASSES = 5
# Shapes of the logits, and where the classes are.
SHAPES: Dict[str, Any] = {
    "rows": ((6, CLASSES), None),
    "images": ((2, CLASSES, 3, 4), 1),
    "text": ((2, 7, CLASSES), -1),
    "columns": ((CLASSES, 6), 0),
    "one row": ((CLASSES,), 0),
}


def made(name: str, seed: int = 0) -> Any:
    """Logits, their labels and soft targets, and the dimension of the classes."""
    shape, dim = SHAPES[name]
    source = generator(seed)
    logits = (2 * torch.randn(shape, dtype=torch.float64, generator=source)).requires_grad_()
    place = -1 if dim is None else dim
    labels = torch.randint(CLASSES, logits.detach().select(place, 0).shape, generator=source)
    soft = torch.softmax(torch.randn(shape, dtype=torch.float64, generator=source), place)
    return logits, labels, soft, dim


def as_rows(tensor: Tensor, dim: Any) -> Tensor:
    return tensor.movedim(-1 if dim is None else dim, -1).reshape(-1, CLASSES)


def compare(found: Tensor, expected: Tensor, logits: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11, equal_nan=True)
    upstream = torch.linspace(0.5, 2, found.numel(), dtype=found.dtype).reshape(found.shape)
    pair = [torch.autograd.grad(loss, logits, upstream, retain_graph=True)[0] for loss in (found, expected)]
    torch.testing.assert_close(*pair, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignored", ["none", "some", "all"])
@pytest.mark.parametrize("form", ["labels", "soft"])
def test_cross_entropy_is_pytorchs(
    backend: str, name: str, reduction: str, smoothing: float, weighted: bool, ignored: str, form: str
) -> None:
    logits, labels, soft, dim = made(name)
    if form == "labels" and ignored != "none":
        labels[torch.rand(labels.shape, generator=generator(3)) < (0.4 if ignored == "some" else 2.0)] = -100
    weight = torch.tensor([0.5, 2.0, 0.0, 1.0, 3.0], dtype=torch.float64) if weighted else None
    targets = labels if form == "labels" else soft
    criterion = SoftTargetCrossEntropy(
        reduction=reduction, dim=dim, ignore_index=-100, weight=weight, label_smoothing=smoothing, backend=backend
    )
    # PyTorch's takes the classes in dimension 1 only.
    plain = nn.CrossEntropyLoss(weight=weight, reduction=reduction, label_smoothing=smoothing)
    flat = as_rows(targets, dim) if form == "soft" else targets.flatten()
    expected = plain(as_rows(logits, dim), flat)
    expected = expected.reshape(labels.shape) if reduction == "none" else expected
    compare(criterion(logits, targets), expected, logits)
    if name == "images":
        torch.testing.assert_close(expected, plain(logits, targets), equal_nan=True)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", ["smoothed", "mixed", "shares"])
def test_weights_and_smoothing_of_compact_rows(form: str, weighted: bool) -> None:
    logits = random_logits(4, CLASSES).requires_grad_()
    targets = MixedTargets.mixed([0, 1, 2, 2], [1, 2, 0, 2], [0.2, 0.5, 0.9, 1.0], CLASSES)
    targets = targets if form == "mixed" else random_targets(form, 4, CLASSES)
    weight = torch.tensor([0.5, 2.0, 0.0, 1.0, 3.0], dtype=torch.float64) if weighted else None
    rows = torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=torch.float64)
    for smoothing in (0.0, 0.2):
        plain = nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing, reduction="none")
        by_row = plain(logits, written_out(targets, CLASSES))
        options = {"weight": weight, "label_smoothing": smoothing}
        found = losses.soft_target_cross_entropy(logits, targets, row_weights=rows, **options)
        compare(found, (by_row * rows).sum() / rows.sum(), logits)
        compare(losses.soft_target_cross_entropy(logits, targets, reduction="none", **options), by_row, logits)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", ["labels", "soft", "compact"])
@pytest.mark.parametrize("ignoring", [False, True])
@pytest.mark.parametrize("queued", [False, True])
def test_contrastive_losses(backend: str, name: str, reduction: str, form: str, ignoring: bool, queued: bool) -> None:
    logits, labels, soft, dim = made(name)
    noise, further, old = random_noise(CLASSES), torch.tensor([1, 4, 4]), torch.tensor([0, 2])
    valid = torch.ones(labels.numel(), dtype=torch.bool)
    if ignoring and form == "labels":
        valid = torch.rand(labels.numel(), generator=generator(3)) < 0.6
        valid[0] = True
        labels = torch.where(valid.reshape(labels.shape), labels, torch.tensor(-1))
    compact = MixedTargets.smoothed(labels.flatten().clamp(min=0), CLASSES, 0.1)
    targets = {"labels": labels, "soft": soft, "compact": compact}[form]
    if queued and form == "soft":
        pytest.skip("a queue takes no dense rows")
    options = {"noise_probs": noise, "reduction": reduction, "dim": dim, "backend": backend}
    queue = TargetQueue(50, CLASSES) if queued else None
    if queue is not None:
        queue.push(old if form == "labels" else MixedTargets.smoothed(old, CLASSES, 0.1))
    criterion = SoftTargetInfoNCE(queue=queue, ignore_index=-1 if ignoring else None, **options)
    weights = torch.rand(labels.shape, dtype=torch.float64, generator=generator(4)) + 0.1
    rows = written_out(
        as_rows(soft, dim) if form == "soft" else compact if form == "compact" else labels.flatten().clamp(min=0),
        CLASSES,
    )[valid]
    candidates = [rows, written_out(further, CLASSES)]
    if queue is not None:
        candidates.append(written_out(old if form == "labels" else MixedTargets.smoothed(old, CLASSES, 0.1), CLASSES))
    counted = weights.flatten()[valid]
    by_row = info_nce(as_rows(logits, dim)[valid], torch.cat(candidates), noise=noise) * counted
    expected = by_row.sum() / (counted.sum() if reduction == "mean" else 1.0)
    if reduction == "none":
        expected = torch.zeros(labels.numel(), dtype=torch.float64).masked_scatter(valid, by_row).reshape(labels.shape)
    found = criterion(logits, targets, candidates=further, row_weights=weights)
    compare(found, expected, logits)
    if queue is not None:
        assert int(queue.counts.sum()) == 2 + int(valid.sum()), "ignored targets do not enter"
    elif form != "compact":
        function = losses.soft_target_info_nce
        found = function(logits, targets, candidates=further, row_weights=weights, **options, ignore_index=-1)
        compare(found, expected, logits)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("queued", [False, True])
def test_all_rows_ignored(backend: str, reduction: str, queued: bool) -> None:
    logits, labels = random_logits(4, CLASSES).requires_grad_(), torch.full((4,), -100)
    queue = TargetQueue(4, CLASSES) if queued else None
    criterion = InfoNCE(reduction=reduction, ignore_index=-100, backend=backend, queue=queue)
    compare(criterion(logits, labels), nn.functional.cross_entropy(logits, labels, reduction=reduction), logits)
    if queue is not None:
        assert int(queue.counts.sum()) == 0


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("make", [SoftTargetInfoNCE, InfoNCE, SoftTargetCrossEntropy])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_no_rows_as_pytorch(reduction: str, make: Any, dtype: torch.dtype) -> None:
    for shape, targets in (((0, 5), torch.zeros(0).long()), ((0, 5, 2), torch.zeros(0, 2).long())):
        logits = torch.zeros(shape, dtype=dtype, requires_grad=True)
        expected = nn.functional.cross_entropy(logits.double(), targets, reduction=reduction)
        found = make(reduction=reduction, dim=1)(logits, targets)
        assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        torch.testing.assert_close(found.double(), expected, equal_nan=True)
        (gradient,) = torch.autograd.grad(found.sum(), logits)
        assert gradient.shape == logits.shape
    with pytest.raises(ValueError, match="expected at least one row"):
        make()(torch.zeros(0, 5), torch.tensor([1]))


def test_segmentation_with_mixup() -> None:
    # Pixels and label maps are mixed with the same shares; probabilities of a pixel have two classes.
    torch.manual_seed(0)
    images, maps = torch.rand(4, 3, 6, 5), torch.randint(CLASSES, (4, 6, 5))
    model = nn.Conv2d(3, CLASSES, 3, padding=1)
    import numpy as np

    mixed, shares = Mixup(num_classes=4, label_smoothing=0.0, rng=np.random.RandomState(0))(images, torch.arange(4))
    lam = shares.weights[:, 0].float()[:, None, None, None]
    one_hot = nn.functional.one_hot(maps, CLASSES).movedim(-1, 1).float()
    soft = lam * one_hot + (1 - lam) * one_hot.flip(0)
    flat = [tensor.flatten() for tensor in (maps, maps.flip(0), lam[:, 0].expand(4, 6, 5))]
    compact = MixedTargets.mixed(*flat, CLASSES)
    noise = torch.bincount(maps.flatten(), minlength=CLASSES)
    gradients = []
    logits = model(mixed)
    expected = info_nce(
        as_rows(logits, 1).double(), as_rows(soft, 1).double(), noise=(noise + 1) / (noise + 1).sum().double()
    ).mean()
    for targets in (soft, compact):
        loss = SoftTargetInfoNCE(noise_counts=noise, dim=1)(logits, targets)
        torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=0)
        gradients.append(torch.autograd.grad(loss, model.weight, retain_graph=True)[0])
        cross = SoftTargetCrossEntropy(dim=1)(logits, targets)
        torch.testing.assert_close(cross, nn.functional.cross_entropy(logits, soft))
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("backend", BACKENDS)
def test_shapes_compile(backend: str) -> None:
    torch._dynamo.reset()
    logits, labels, _, dim = made("images")
    labels[0, 0, :2] = -100
    for criterion in (
        SoftTargetInfoNCE(dim=dim, ignore_index=-100, backend=backend),
        SoftTargetCrossEntropy(
            dim=dim, ignore_index=-100, weight=torch.ones(CLASSES), label_smoothing=0.1, backend=backend
        ),
    ):
        function = torch.compile(criterion, backend="aot_eager", fullgraph=True)
        compare(function(logits, labels), criterion(logits, labels), logits)


BAD: Any = [
    (lambda: InfoNCE()(torch.zeros(2, 5, 3), torch.zeros(2, 3).long()), r"logits has shape \[2, 5, 3\].*or dim, the"),
    (
        lambda: SoftTargetCrossEntropy()(torch.zeros(2, 7, 5), torch.full((2, 7, 5), 0.2)),
        r"logits has shape \[2, 7, 5\].*-1 for \[B, T, d\]",
    ),
    (
        lambda: SoftTargetInfoNCE()(torch.zeros(2, 5), torch.zeros(2, 5).long()),
        r"targets has shape \[2, 5\].*one-hot rows must be floats",
    ),
    (
        lambda: InfoNCE(dim=3)(torch.zeros(2, 5, 3), torch.zeros(2, 3).long()),
        "dim is 3, expected a dimension of logits",
    ),
    (
        lambda: InfoNCE(dim=1)(torch.zeros(2, 5, 3), torch.zeros(2, 5).long()),
        r"targets has shape \[2, 5\], expected \[2, 3",
    ),
    (
        lambda: SoftTargetInfoNCE(dim=1)(torch.zeros(2, 5, 3), torch.zeros(2, 3, 5)),
        r"targets has shape \[2, 3, 5\], exp",
    ),
    (
        lambda: InfoNCE(dim=1)(torch.zeros(2, 5, 3), torch.zeros(2, 3).long(), row_weights=torch.ones(6)),
        r"row_weights has shape \[6\], expected \[2, 3\]",
    ),
    (
        lambda: InfoNCE(ignore_index=0)(torch.zeros(2, 5), torch.tensor([0, 1]), positives=torch.tensor([1, 0])),
        "positives is given with ignore_index",
    ),
    (
        lambda: SoftTargetCrossEntropy(weight=torch.ones(4))(torch.zeros(2, 5), torch.tensor([0, 1])),
        r"weight has shape \[4\] and dtype torch.float32, expected \[5\] floats",
    ),
    (lambda: SoftTargetCrossEntropy(label_smoothing=2), "label_smoothing is 2.0, expected a share"),
]


@pytest.mark.parametrize("call, message", BAD)
def test_bad_shapes_and_settings(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("backend", BACKENDS)
def test_labels_of_8_bits_are_not_taken_for_the_ignored_one(backend: str) -> None:
    # In 8 bits, -100 and 156 are the same.
    logits = random_logits(3, 200)
    labels, ignored = torch.tensor([156, 1, 2]), torch.tensor([156, 1, 255])
    for loss in (
        InfoNCE(ignore_index=-100, backend=backend),
        SoftTargetCrossEntropy(ignore_index=-100, backend=backend),
    ):
        torch.testing.assert_close(loss(logits, labels.to(torch.uint8)), loss(logits, labels))
    for kind in (torch.uint8, torch.int64):
        criterion = SoftTargetCrossEntropy(ignore_index=255, reduction="none", backend=backend)
        assert float(criterion(logits, ignored.to(kind))[2]) == 0.0
