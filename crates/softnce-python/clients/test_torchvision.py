"""torchvision's MixUp and CutMix: their dense targets are recognised as compact ones."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any, Callable

import pytest
import torch
from torchvision.transforms import v2

from softnce.torch import MixedTargets, SoftTargetInfoNCE, TargetQueue

CLASSES = 10


@pytest.mark.parametrize("make", [v2.MixUp, v2.CutMix])
def test_the_compact_form_is_found(make: Callable[..., Any]) -> None:
    torch.manual_seed(0)
    mix = make(num_classes=CLASSES)
    for _ in range(20):
        labels = torch.randint(CLASSES, (16,))
        _, dense = mix(torch.rand(16, 3, 8, 8), labels)
        found = MixedTargets.from_dense(dense)
        assert found.shape == dense.shape and found.classes.shape[1] <= 2 and found.uniform == 0.0, found

        # One lambda for the batch, and the row before as partner.
        partners = labels.roll(1)
        unlike = int((labels != partners).nonzero()[0])
        lam = dense[unlike, labels[unlike]].double().expand(16)
        mixed = MixedTargets.mixed(labels, partners, lam, CLASSES)
        torch.testing.assert_close(found.dense(), mixed.dense(), rtol=0, atol=1e-6)

        # A queue takes only rows with a compact form.
        logits = torch.randn(16, CLASSES, dtype=torch.float64, requires_grad=True)
        losses = []
        for targets in (dense, mixed):
            queue = TargetQueue(8, CLASSES)
            queue.push(torch.arange(8))
            loss = SoftTargetInfoNCE(queue=queue)(logits, targets)
            losses.append((loss.detach(), *torch.autograd.grad(loss, logits)))
        torch.testing.assert_close(losses[0], losses[1], rtol=0, atol=1e-6)


def test_one_lambda_for_a_batch_alone_is_warned_of() -> None:
    program = (
        "import torch, softnce.torch; from torchvision.transforms import v2; torch.manual_seed(0);"
        f"x, y = v2.MixUp(num_classes={CLASSES})(torch.rand(8, 3, 4, 4), torch.arange(8));"
        f"softnce.torch.SoftTargetInfoNCE()(torch.randn(8, {CLASSES}), y)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert "all rows are mixed with one lambda" in done.stderr


def test_example(example: Callable[..., str]) -> None:
    found = re.search(r"accuracy (\d\.\d+)", example("torchvision_mixup.py"))
    assert found and float(found[1]) > 0.9, found
