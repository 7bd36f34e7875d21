"""Trains with accelerate, in one process or under torchrun: run_accelerate.py FILE.

A process has batches of 8 / processes rows, so that all processes together see the same batches as one.
"""

from __future__ import annotations

import sys
from typing import Any, List, Tuple

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import DataLoader

from softnce.torch import MixedTargets, SoftTargetInfoNCE

ROWS, CLASSES, FEATURES, BATCH, ACCUMULATED = 32, 5, 3, 8, 2


def data() -> Tuple[Tensor, MixedTargets]:
    """Features and targets."""
    source = torch.Generator().manual_seed(1)
    first, second = torch.randint(CLASSES, (2, ROWS), generator=source)
    lam = torch.rand(ROWS, dtype=torch.float64, generator=source)
    x = torch.randn(ROWS, FEATURES, dtype=torch.float64, generator=source)
    return x, MixedTargets.mixed(first, second, lam, CLASSES, 0.1)


def parts() -> Tuple[nn.Module, nn.Module, torch.optim.Optimizer]:
    """The model, the criterion and the optimiser of both."""
    torch.manual_seed(0)
    model = nn.Linear(FEATURES, CLASSES, dtype=torch.float64)
    criterion = SoftTargetInfoNCE(noise_counts=range(1, CLASSES + 1), learn_temperature=True).double()
    return model, criterion, torch.optim.SGD([*model.parameters(), *criterion.parameters()], lr=0.5)


def weights(model: nn.Module, criterion: nn.Module) -> Any:
    """The weights of both."""
    named = [*model.named_parameters(), *criterion.named_parameters()]
    return {name: value.detach().clone() for name, value in named}


def collate(rows: List[Tuple[Tensor, MixedTargets]]) -> Tuple[Tensor, MixedTargets]:
    """A batch with compact targets."""
    return torch.stack([row[0] for row in rows]), MixedTargets.cat([row[1] for row in rows])


def main(file: str) -> None:
    """Trains one epoch and saves the weights, and the targets that all processes together had last."""
    torch.set_num_threads(1)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=ACCUMULATED)
    model, criterion, optimiser = parts()
    loader = DataLoader(list(zip(*data())), BATCH // accelerator.num_processes, collate_fn=collate)
    model, criterion, optimiser, loader = accelerator.prepare(model, criterion, optimiser, loader)
    for x, targets in loader:
        with accelerator.accumulate(model, criterion):
            accelerator.backward(criterion(model(x), targets))
            optimiser.step()
            optimiser.zero_grad()
    gathered = MixedTargets.from_dict(accelerator.gather_for_metrics(targets.to_dict()))
    if accelerator.is_main_process:
        found = weights(accelerator.unwrap_model(model), accelerator.unwrap_model(criterion))
        torch.save({**found, "targets": gathered}, file)
    accelerator.end_training()


if __name__ == "__main__":
    main(sys.argv[1])
