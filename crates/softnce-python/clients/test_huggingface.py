"""``softnce.huggingface`` in transformers' Trainer: a step is the mean over the rows of all batches and processes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
import torch
from torch import Tensor, nn
from transformers import TrainingArguments

import run_trainer
from conftest import assert_equal_and_moved
from run_trainer import ACCUMULATED, BATCH, ROWS, Network

FORMS = ["labels", "soft", "mixed", "in step"]


def named(model: nn.Module) -> Dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def by_hand(form: str, world: int = 1, gather: bool = True, average: bool = True) -> Dict[str, Tensor]:
    """The same training, with the loss of every row of a step computed before its mean is taken."""
    model, rows = Network(form, False, "none"), run_trainer.data()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.5)

    def losses(index: Tensor) -> Tensor:
        own = {name: values[index] for name, values in rows.items()}
        return model.criterion(model.layer(own["x"]), run_trainer.targets(own, form))

    # The micro-batches of all processes together.
    together = torch.arange(ROWS).split(BATCH)
    for first in range(0, len(together), ACCUMULATED):
        of_processes: List[List[Tensor]] = [[] for _ in range(world)]
        for batch in together[first : first + ACCUMULATED]:
            own = batch.split(BATCH // world)
            found = losses(batch).split(BATCH // world) if gather else [losses(index) for index in own]
            for process, values in zip(of_processes, found):
                process.append(values)
        means = [torch.cat(process) for process in of_processes]
        loss = torch.cat(means).mean() if average else torch.stack([values.mean() for values in means]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return named(model)


@pytest.mark.parametrize("form", FORMS)
def test_a_step_is_the_mean_over_its_rows(form: str, tmp_path: Path) -> None:
    run_trainer.main(str(tmp_path / "weights.pt"), form, "True", "True")
    expected = by_hand(form)
    assert_equal_and_moved(torch.load(tmp_path / "weights.pt"), expected, named(Network(form, True, "sum")))


@pytest.mark.parametrize(
    "form, gather, average", [("soft", True, True), ("in step", False, True), ("mixed", True, False)]
)
def test_two_processes(train: Callable[..., Any], form: str, gather: bool, average: bool) -> None:
    found = train("run_trainer.py", 2, form, gather, average)
    assert_equal_and_moved(found, by_hand(form, 2, gather, average), named(Network(form, True, "sum")))


@pytest.mark.parametrize("average", ["True", "False"])
def test_data_parallel(average: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two devices, as far as the Trainer's counts are concerned; without any, DataParallel runs the model itself."""
    monkeypatch.setattr(TrainingArguments, "n_gpu", property(lambda arguments: 2))
    monkeypatch.setattr(run_trainer, "BATCH", BATCH // 2)
    run_trainer.main(str(tmp_path / "weights.pt"), "soft", "True", average)
    found = {name.replace("module.", ""): value for name, value in torch.load(tmp_path / "weights.pt").items()}
    assert_equal_and_moved(found, by_hand("soft"), named(Network("soft", True, "sum")))


def test_example(example: Callable[..., str]) -> None:
    found = re.search(r"accuracy (\d\.\d+), temperature (\d\.\d+)", example("huggingface_trainer.py"))
    assert found and float(found[1]) > 0.9 and found[2] != "1.000", found
