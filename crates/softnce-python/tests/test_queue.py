"""A queue against the definition: what calls, pushes and repeated calls see, and how the buffers are written."""

from __future__ import annotations

import random
from collections import deque
from typing import Any, Deque, List, Tuple

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from reference import both, info_nce, random_logits, random_targets, written_out
from softnce.head import InfoNCEHead
from softnce.torch import InfoNCE, MixedTargets, SoftTargetInfoNCE, TargetQueue, _ring
from softnce.torch._call import Segment, segment_of

CLASSES = 7
CPU = torch.device("cpu")
#: The forms of targets, and the classes that they list in each row.
FORMS = {"labels": 1, "labels32": 1, "smoothed": 1, "mixed": 2, "recognised": 2, "shares": 3}


class Passing(TorchDispatchMode):
    """Sees every operation of PyTorch, so that the queue is written by operations as well."""

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        return function(*arguments, **(options or {}))


class Model:
    """A queue as lists of written out rows."""

    def __init__(self, size: int) -> None:
        self.rows: Deque[Tensor] = deque(maxlen=size)
        #: The last calls: targets and the rows before them.
        self.calls: Deque[Tuple[Any, List[Tensor]]] = deque(maxlen=4)

    def push(self, targets: Any) -> None:
        self.rows.extend(written_out(targets, CLASSES))

    def call(self, targets: Any, adds: bool) -> Tensor:
        """All candidates of a call."""
        past = next((rows for other, rows in reversed(self.calls) if other is targets), None)
        if past is None:
            past = list(self.rows)
            if adds:
                self.calls.append((targets, past))
                self.push(targets)
        return torch.stack([*written_out(targets, CLASSES), *past])

    def check(self, queue: TargetQueue) -> None:
        kept = int(queue.counts.sum())
        stored = MixedTargets.compact(queue.uniform[:kept], queue.classes[:kept], queue.weights[:kept], CLASSES)
        newest = (torch.arange(kept) + (int(queue.place) if kept == queue.size else 0)) % max(kept, 1)
        expected = torch.stack(list(self.rows)) if self.rows else torch.zeros(0, CLASSES, dtype=torch.float64)
        torch.testing.assert_close(written_out(stored, CLASSES)[newest], expected, rtol=0, atol=1e-12)


def compare(criterion: SoftTargetInfoNCE, targets: Any, candidates: Tensor, seed: int) -> None:
    logits = random_logits(len(targets), CLASSES, seed).requires_grad_()
    found = both(criterion(logits, targets), logits)
    for one, other in zip(found, both(info_nce(logits, candidates).mean(), logits)):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [1, 5, 16])
@pytest.mark.parametrize("terms", [1, 2, 3, 4])
def test_calls_pushes_and_repetitions_in_any_order(seed: int, size: int, terms: int) -> None:
    draw, model = random.Random(100 * seed + 10 * size + terms), Model(size)
    criterion = SoftTargetInfoNCE(queue=TargetQueue(size, CLASSES, terms))
    forms = [form for form, held in FORMS.items() if held <= terms]
    kinds = ["call"] * 22 + ["repeat"] * 22 + ["push"] * 8 + ["held", "eval", "passing", "moved"] * 2
    draw.shuffle(kinds)
    for step, kind in enumerate(kinds):
        targets = random_targets(draw.choice(forms), draw.randint(1, 6), CLASSES, step)
        if kind == "repeat":
            if not model.calls:
                continue
            targets = draw.choice(model.calls)[0]
        if kind == "push":
            criterion.queue.push(targets)
            model.push(targets)
        elif kind == "moved":
            criterion.to(torch.float32)
        elif kind == "held":
            with criterion.queue.held():
                compare(criterion, targets, model.call(targets, False), step)
        elif kind == "passing":
            with Passing():
                compare(criterion, targets, model.call(targets, True), step)
        else:
            criterion.train(kind != "eval")
            compare(criterion, targets, model.call(targets, kind != "eval"), step)
            criterion.train()
        model.check(criterion.queue)


def twins(size: int, terms: int) -> Tuple[_ring.Ring, _ring.Ring]:
    queues = [TargetQueue(size, CLASSES, terms) for _ in range(2)]
    one, other = [_ring.Ring(*queue.buffers()) for queue in queues]
    return one, other


def own(targets: Any) -> Segment:
    return segment_of("targets", targets, CLASSES, CPU)


@pytest.mark.parametrize("form", [*FORMS, "float", "unsigned", "columns"])
@pytest.mark.parametrize("size", [1, 4, 9])
def test_the_native_module_writes_what_operations_write(form: str, size: int) -> None:
    one, other = twins(size, 4)
    for step in range(12):
        rows = 1 + (5 * step) % 7
        targets = random_targets(form if form in FORMS else "mixed", rows, CLASSES, step)
        if form == "recognised":
            targets = MixedTargets.from_dense(targets)
        elif form == "float":
            targets = targets.to(torch.float32)
        elif form == "unsigned":
            targets = MixedTargets.compact(targets.uniform, targets.classes.to(torch.uint8), targets.weights, CLASSES)
        elif form == "columns":
            # Neither in row order nor without gaps.
            classes, weights = (values.T.repeat(2, 2).T[::2, :2] for values in (targets.classes, targets.weights))
            targets = MixedTargets.compact(torch.rand(2 * rows).double()[::2], classes, weights, CLASSES)
        before = [buffer.clone() for buffer in one]
        replaced = _ring.push(one, own(targets))
        _ring.push_by_operations(other, own(targets))
        for name, written, expected in zip(one._fields, one, other):
            assert torch.equal(written, expected), name
        for name, found, expected in zip(one._fields, _ring.undone(one, replaced), before):
            assert torch.equal(found, expected), name


def test_candidates_are_read_in_place() -> None:
    queue, targets = TargetQueue(4, CLASSES), torch.tensor([0, 1, 2])
    queue.push(targets)
    for rows in (3, 4):
        stored = queue.candidates(targets, own(targets))
        assert stored.first.data_ptr() == queue.classes.data_ptr() and stored.rows() == rows and stored.counts is None
        queue.push(targets)


def test_targets_from_the_queue_itself() -> None:
    queue = TargetQueue(4, CLASSES)
    queue.push(random_targets("mixed", 3, CLASSES))
    held = MixedTargets.compact(queue.uniform[:3], queue.classes[:3], queue.weights[:3], CLASSES)
    expected = written_out(held, CLASSES)
    queue.push(held)
    found = written_out(MixedTargets.compact(queue.uniform, queue.classes, queue.weights, CLASSES), CLASSES)
    torch.testing.assert_close(found, expected[[1, 2, 2, 0]], rtol=0, atol=0)


def test_autograd_sees_that_the_buffers_change() -> None:
    queue, factor = TargetQueue(4, CLASSES), torch.ones((), dtype=torch.float64, requires_grad=True)
    total = (factor * queue.weights).sum()
    queue.push(torch.tensor([1]))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


@pytest.mark.parametrize("whole", [False, True])
def test_inference_mode(whole: bool) -> None:
    if whole:
        with torch.inference_mode():
            criterion, model = SoftTargetInfoNCE(queue=TargetQueue(4, CLASSES)), Model(4)
    else:
        criterion, model = SoftTargetInfoNCE(queue=TargetQueue(4, CLASSES)), Model(4)
    for step in range(3):
        targets = random_targets("mixed", 3, CLASSES, step)
        with torch.inference_mode():
            criterion.queue.push(targets)
        model.push(targets)
        targets = random_targets("mixed", 2, CLASSES, step + 10)
        compare(criterion, targets, model.call(targets, True), step)
        compare(criterion, targets, model.call(targets, True), step)
        model.check(criterion.queue)


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_a_head_whose_backward_pass_comes_after_further_calls(reduction: str) -> None:
    torch.manual_seed(0)
    head = InfoNCEHead(
        3, CLASSES, reduction=reduction, sparse=False, dtype=torch.float64, queue=TargetQueue(8, CLASSES)
    )
    model, losses, expected = Model(8), [], []
    features = random_logits(3, 3).requires_grad_()
    for step in range(3):
        targets = random_targets("mixed", 3, CLASSES, step)
        losses.append(head(features * (step + 1), targets).sum())
        by_row = info_nce(head.logits(features * (step + 1)), model.call(targets, True))
        expected.append(by_row.sum() if reduction == "none" else by_row.mean())
    found = torch.autograd.grad(sum(losses), [features, head.weight])
    for one, other in zip(found, torch.autograd.grad(sum(expected), [features, head.weight])):
        torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-9)


def test_labels_in_a_queue_of_info_nce() -> None:
    criterion, model = InfoNCE(queue=TargetQueue(5, CLASSES, terms=1)), Model(5)
    for step in range(6):
        targets = random_targets("labels", 3, CLASSES, step)
        compare(criterion, targets, model.call(targets, True), step)
        if step % 2:
            compare(criterion, targets, model.call(targets, True), step)


def test_a_refused_call_adds_nothing() -> None:
    criterion = SoftTargetInfoNCE(queue=TargetQueue(4, CLASSES, terms=1))
    targets = random_targets("mixed", 2, CLASSES)
    for _ in range(2):
        with pytest.raises(ValueError, match="targets has 2 classes a row, expected at most terms=1"):
            criterion(random_logits(2, CLASSES).requires_grad_(), targets)
    with pytest.raises(IndexError, match="expected a class from 0 to 6"):
        criterion(random_logits(1, CLASSES), torch.tensor([CLASSES]))
    assert not criterion.queue.counts.any() and int(criterion.queue.place) == 0


@pytest.mark.parametrize("learn", [False, True])
def test_the_first_call_with_one_mixing_weight_gives_no_warning(learn: bool) -> None:
    # An empty queue still promises other candidates; a warning would be an error of this test.
    targets = MixedTargets.mixed([0, 1, 2], [1, 2, 3], 0.3, CLASSES)
    criterion = SoftTargetInfoNCE(queue=TargetQueue(4, CLASSES), learn_temperature=learn)
    assert torch.isfinite(criterion(random_logits(3, CLASSES), targets))
