"""timm's training task, its factory of losses and its Mixup with our loss."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import numpy as np
import torch
from timm.data import Mixup as TimmMixup
from timm.models import create_model
from timm.task import ClassificationTask

from softnce.data import Mixup
from softnce.torch import SoftTargetInfoNCE, TargetQueue

CLASSES = 10


def test_task_with_the_dense_targets_of_timm() -> None:
    """The loss of timm's dense targets is that of compact targets made from the same random numbers."""
    torch.manual_seed(0)
    model = create_model("test_vit", num_classes=CLASSES, img_size=32).double()
    # A queue takes only targets whose compact form is found.
    criterion = SoftTargetInfoNCE(noise_counts=range(1, CLASSES + 1), queue=TargetQueue(16, CLASSES))
    task = ClassificationTask(model, criterion=criterion, verbose=False)
    options = {"mixup_alpha": 0.8, "cutmix_alpha": 1.0, "mode": "elem", "label_smoothing": 0.1, "num_classes": CLASSES}
    images, labels = torch.rand(8, 3, 32, 32, dtype=torch.float64), torch.arange(8)
    found = []
    for mixup in (TimmMixup(**options), Mixup(**options)):
        np.random.seed(0)
        mixed, targets = mixup(images.clone(), labels)
        with criterion.queue.held():
            loss = task(mixed, targets)["loss"]
        found.append((loss.detach(), *torch.autograd.grad(loss, model.parameters())))
    for one, other in zip(*found):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
    assert any(float(gradient.abs().max()) > 1e-3 for gradient in found[0][1:])


def test_the_example_replaces_what_the_factory_makes(example: Callable[..., str], tmp_path: Path) -> None:
    """A script that lets the task make its loss, as timm's does since 1.0.31."""
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; from timm.task import ClassificationTask; from torch import nn\n"
        "task = ClassificationTask(nn.Identity(), criterion_kwargs={'soft_targets': True})\n"
        "print(type(task.criterion).__module__, type(task.criterion).__name__, sys.argv[1:])\n"
    )
    assert (
        example("timm_train.py", script, "--epochs").strip() == "softnce.torch.modules SoftTargetInfoNCE ['--epochs']"
    )
