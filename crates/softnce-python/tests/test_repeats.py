"""A queue under repeated calls: activation checkpointing, SAM, L-BFGS, several losses before one backward pass."""

from __future__ import annotations

import copy
import pickle
from typing import Any, List

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from reference import info_nce, random_logits, random_targets, written_out
from softnce.head import InfoNCEHead
from softnce.torch import SoftTargetInfoNCE, TargetQueue
from softnce.torch._ring import copied

CLASSES = 6
FORMS = ["labels", "mixed", "recognised"]


def rows(targets: Any) -> Tensor:
    return written_out(targets, CLASSES)


def definition(logits: Tensor, targets: Any, past: List[Any]) -> Tensor:
    return info_nce(logits, torch.cat([rows(targets), *map(rows, past)])).mean()


def compare(loss: Tensor, expected: Tensor, *inputs: Tensor) -> None:
    torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-9)
    for found, wanted in zip(torch.autograd.grad(loss, inputs), torch.autograd.grad(expected, inputs)):
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-8)


def gradient(loss: Tensor, logits: Tensor) -> Tensor:
    # checkpoint with use_reentrant=True works with backward() only.
    logits.grad = None
    loss.backward()
    return logits.grad.clone()


def made() -> SoftTargetInfoNCE:
    return SoftTargetInfoNCE(queue=TargetQueue(20, CLASSES))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("computed_again", [False, True])
def test_activation_checkpointing(form: str, reentrant: bool, computed_again: bool) -> None:
    criterion, past = made(), []
    for step in range(4):
        logits, targets = random_logits(3, CLASSES, step).requires_grad_(), random_targets(form, 3, CLASSES, step)

        def loss_of(logits: Tensor, targets: Any = targets) -> Tensor:
            # Targets that the checkpointed part makes itself are other tensors when it runs again.
            return criterion(logits * 1, targets[:] if computed_again else targets)

        loss = checkpoint(loss_of, logits, use_reentrant=reentrant)
        expected = definition(logits, targets, past)
        torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(gradient(loss, logits), gradient(expected, logits), rtol=1e-6, atol=1e-8)
        past.append(targets)
        assert int(criterion.queue.counts.sum()) == 3 * (step + 1), "filled once a step"
    found = copied(criterion.queue.ring(), criterion.queue.compact(_segment(past[0])))
    assert int(found.counts.sum()) == 12


def _segment(targets: Any) -> Any:
    from softnce.torch._call import segment_of

    return segment_of("targets", targets, CLASSES, torch.device("cpu"))


@pytest.mark.parametrize("reentrant", [False, True])
def test_several_checkpointed_losses_before_one_backward_pass(reentrant: bool) -> None:
    criterion, past, total, expected = made(), [], 0.0, 0.0
    logits = random_logits(3, CLASSES).requires_grad_()
    for step in range(3):
        targets = random_targets("mixed", 3, CLASSES, step)
        loss = checkpoint(criterion, logits * (step + 1), targets, use_reentrant=reentrant)
        # The reentrant form runs the forward pass without gradients, and the queue is filled in the backward pass.
        seen = [] if reentrant else past
        torch.testing.assert_close(loss, definition(logits * (step + 1), targets, seen), rtol=1e-6, atol=1e-9)
        total, expected = total + loss, expected + definition(logits * (step + 1), targets, seen)
        past.append(targets)
    if not reentrant:
        torch.testing.assert_close(gradient(total, logits), gradient(expected, logits), rtol=1e-6, atol=1e-8)
    else:
        gradient(total, logits)
    assert int(criterion.queue.counts.sum()) == 9


@pytest.mark.parametrize("form", FORMS)
def test_sam_evaluates_a_batch_twice(form: str) -> None:
    torch.manual_seed(0)
    model, criterion, past = nn.Linear(4, CLASSES).double(), made(), []
    for step in range(3):
        features, targets = random_logits(3, 4, step), random_targets(form, 3, CLASSES, step)
        for _ in range(2):
            expected = definition(model(features), targets, past)
            compare(criterion(model(features), targets), expected, *model.parameters())
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(0.01)
        past.append(targets)
        assert int(criterion.queue.counts.sum()) == 3 * (step + 1)


def test_lbfgs_evaluates_a_batch_many_times() -> None:
    criterion, logits = made(), random_logits(3, CLASSES).requires_grad_()
    criterion(random_logits(3, CLASSES, 5), random_targets("labels", 3, CLASSES, 5))
    targets, losses = random_targets("labels", 3, CLASSES), []
    optimiser = torch.optim.LBFGS([logits], lr=0.1, max_iter=5)

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = criterion(logits, targets)
        losses.append(float(loss.detach()))
        loss.backward()
        return loss

    optimiser.step(closure)
    assert len(losses) > 2 and losses == sorted(losses, reverse=True) and int(criterion.queue.counts.sum()) == 6


def test_held() -> None:
    criterion, past = made(), [random_targets("labels", 3, CLASSES, 7)]
    criterion(random_logits(3, CLASSES), past[0])
    logits = random_logits(3, CLASSES, 1).requires_grad_()
    for held in (True, False):
        # Targets that are made anew cannot be recognised.
        targets = random_targets("mixed", 3, CLASSES, 8)
        if held:
            with criterion.queue.held(), criterion.queue.held():
                loss = criterion(logits, targets)
        else:
            loss = criterion(logits, targets)
        compare(loss, definition(logits, targets, past), logits)
        assert int(criterion.queue.counts.sum()) == (3 if held else 6)


def test_changed_targets_are_no_repetition() -> None:
    criterion, targets = made(), torch.tensor([0, 1, 2])
    for step in range(3):
        logits = random_logits(3, CLASSES, step)
        past = [torch.arange(3) + earlier for earlier in range(step)]
        torch.testing.assert_close(criterion(logits, targets), definition(logits, targets, past))
        # As a buffer that the batches are copied into.
        targets.copy_(torch.arange(3) + step + 1)
    assert int(criterion.queue.counts.sum()) == 9


def test_what_ends_the_memory_of_calls() -> None:
    logits, targets = random_logits(3, CLASSES), torch.tensor([0, 1, 2])
    for change in (
        lambda criterion: criterion.load_state_dict(criterion.state_dict()),
        lambda criterion: criterion.queue.reset_parameters(),
        copy.deepcopy,
        lambda criterion: pickle.loads(pickle.dumps(criterion)),
        lambda criterion: [criterion(logits, torch.tensor([step, 1, 2])) for step in range(5)],
    ):
        criterion = made()
        criterion(logits, targets)
        changed = change(criterion)
        criterion = changed if isinstance(changed, SoftTargetInfoNCE) else criterion
        before = int(criterion.queue.place)
        criterion(logits, targets)
        assert int(criterion.queue.place) == (before + 3) % 20


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_head(reentrant: bool) -> None:
    torch.manual_seed(0)
    head = InfoNCEHead(4, CLASSES, init_std=0.5, dtype=torch.float64, sparse=False, queue=TargetQueue(20, CLASSES))
    past: List[Any] = []
    for step in range(3):
        features, targets = random_logits(3, 4, step).requires_grad_(), random_targets("mixed", 3, CLASSES, step)
        loss = checkpoint(head, features, targets, use_reentrant=reentrant)
        expected = definition(head.logits(features), targets, past)
        torch.testing.assert_close(loss, expected, rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(gradient(loss, features), gradient(expected, features), rtol=1e-6, atol=1e-8)
        past.append(targets)
    assert int(head.queue.counts.sum()) == 9
