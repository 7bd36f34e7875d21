"""What torch.func, forward mode, second derivatives and batched gradients do with the Triton kernels."""

from __future__ import annotations

import pytest
import torch

from reference import close, info_nce, random_logits, random_noise, random_targets, written_out
from softnce.torch import SoftTargetInfoNCE
from softnce.torch._devices import INTERPRETED
from test_transforms import CLASSES, ROWS, TAU, TRANSFORMS, WARNINGS, compare

pytestmark = [pytest.mark.skipif(not INTERPRETED, reason="needs TRITON_INTERPRET=1"), *WARNINGS]


@pytest.mark.parametrize("form", ["labels", "mixed", "recognised", "dense"])
def test_every_transform(form: str) -> None:
    noise, targets = random_noise(CLASSES), random_targets(form, ROWS, CLASSES)
    rows = written_out(targets, CLASSES)
    criterion = SoftTargetInfoNCE(TAU, noise_probs=noise, backend="triton")
    for transform in TRANSFORMS:
        compare(lambda z: criterion(z, targets), lambda z: info_nce(z, rows, noise=noise, tau=TAU).mean(), transform)


def test_batched_gradients_of_a_temperature() -> None:
    criterion = SoftTargetInfoNCE(TAU, learn_temperature=True, backend="triton").double()
    logits, targets = random_logits(ROWS, CLASSES).requires_grad_(), random_targets("mixed", ROWS, CLASSES)
    inputs = (logits, criterion.log_temperature)
    once = torch.autograd.grad(criterion(logits, targets), inputs)
    factors = torch.tensor([1.0, -3.0], dtype=torch.float64)
    found = torch.autograd.grad(criterion(logits, targets), inputs, factors, is_grads_batched=True)
    for gradient, single in zip(found, once):
        close(gradient, torch.stack([single, -3.0 * single]), 1e-12)


def test_targets_modified_before_backward() -> None:
    # The kernels read the targets again in the backward pass.
    for form in ("labels", "mixed", "dense"):
        logits, targets = random_logits(ROWS, CLASSES).requires_grad_(), random_targets(form, ROWS, CLASSES)
        loss = SoftTargetInfoNCE(backend="triton")(logits, targets)
        (targets.weights if form == "mixed" else targets).mul_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()
