"""Lightning with DDP: two processes give the weights of one process over the rows of both."""

from __future__ import annotations

import re
from typing import Any, Callable

import numpy as np
import torch

import run_lightning
from conftest import assert_equal_and_moved
from run_lightning import BATCH, PROCESSES, rows_of
from softnce.torch import MixedTargets


def test_two_processes(train: Callable[..., Any]) -> None:
    model = run_lightning.model()
    start = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimiser = model.configure_optimizers()
    images, labels = run_lightning.data()
    sources = [np.random.RandomState(rank) for rank in range(PROCESSES)]
    batches = zip(*[torch.tensor(rows_of(rank)).split(BATCH) for rank in range(PROCESSES)])
    for batch in batches:
        parts = []
        for own, model.mixup.rng in zip(batch, sources):
            parts.append(model.mixup(images[own], labels[own]))
        mixed = torch.cat([part[0] for part in parts]), MixedTargets.cat([part[1] for part in parts])
        optimiser.zero_grad()
        model.criterion(model.network(mixed[0]), mixed[1]).backward()
        optimiser.step()
    found = train("run_lightning.py", 1)
    assert_equal_and_moved(found, {name: value.detach() for name, value in model.named_parameters()}, start)


def test_example(example: Callable[..., str]) -> None:
    found = re.search(r"accuracy (\d\.\d+), temperature (\d\.\d+)", example("lightning_module.py"))
    assert found and float(found[1]) > 0.9 and found[2] != "1.000", found
