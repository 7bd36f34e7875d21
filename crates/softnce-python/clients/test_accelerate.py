"""accelerate: prepared criterion with a learned temperature, accumulation, and compact targets in its functions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable

import pytest
import torch

import run_accelerate
from conftest import EXAMPLES, assert_equal_and_moved, run
from run_accelerate import ACCUMULATED, BATCH, ROWS


@pytest.mark.parametrize("processes", [1, 2])
def test_training_as_by_hand(train: Callable[..., Any], processes: int) -> None:
    model, criterion, optimiser = run_accelerate.parts()
    start = run_accelerate.weights(model, criterion)
    x, targets = run_accelerate.data()
    batches = torch.arange(ROWS).split(BATCH)
    for first in range(0, len(batches), ACCUMULATED):
        optimiser.zero_grad()
        for rows in batches[first : first + ACCUMULATED]:
            (criterion(model(x[rows]), targets[rows]) / ACCUMULATED).backward()
        optimiser.step()
    found = train("run_accelerate.py", processes)
    gathered = found.pop("targets")
    assert_equal_and_moved(found, run_accelerate.weights(model, criterion), start)
    torch.testing.assert_close(gathered.dense(torch.float64), targets[ROWS - BATCH :].dense(torch.float64))


def test_example_in_two_processes(tmp_path: Path) -> None:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2]
    printed = run(*launcher, EXAMPLES / "accelerate_loop.py", folder=tmp_path)
    found = re.search(r"(\d+) rows, accuracy (\d\.\d+), temperature (\d\.\d+)", printed)
    # The last batch is padded for the second process; its padding is not counted.
    assert found and int(found[1]) == 250 and float(found[2]) > 0.9 and found[3] != "1.000", printed
