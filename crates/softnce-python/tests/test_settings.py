"""Settings: by position or name in the same way everywhere, wrong ones raise by name, and type checkers know them."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import softnce.torch
from reference import random_logits, random_targets
from softnce.data import Mixup
from softnce.head import InfoNCEHead
from softnce.torch import InfoNCE, SoftTargetCrossEntropy, SoftTargetInfoNCE

MODULES = [SoftTargetInfoNCE, InfoNCE, SoftTargetCrossEntropy]
POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD


def by_position(function: Any) -> list:
    found = [name for name, each in inspect.signature(function).parameters.items() if each.kind == POSITIONAL]
    return [name for name in found if name != "self"]


def test_the_same_positions_everywhere() -> None:
    for module in MODULES:
        assert by_position(module.__init__) == ["temperature", "reduction"]
        assert by_position(module.forward) == ["logits", "targets"]
    assert by_position(InfoNCEHead.__init__) == ["in_features", "num_classes", "bias"], "as torch.nn.Linear"
    assert by_position(InfoNCEHead.forward) == ["features", "targets"]
    for name in ("soft_target_info_nce", "info_nce", "soft_target_cross_entropy"):
        assert by_position(getattr(softnce.torch, name)) == ["logits", "targets"]
    logits, labels = random_logits(4, 3), random_targets("labels", 4, 3)
    for module in MODULES:
        assert torch.equal(module(0.5, "sum")(logits, labels), module(temperature=0.5, reduction="sum")(logits, labels))


def wrong(module: Any, **settings: Any) -> Any:
    return lambda: module(noise_counts=[1, 2, 3], **settings)


WRONG: Any = [
    (wrong(SoftTargetInfoNCE, alpha="1"), TypeError, "alpha is '1', expected a number"),
    (wrong(InfoNCE, alpha=None), TypeError, "alpha is None, expected a number"),
    (wrong(InfoNCE, alpha=True), TypeError, "alpha is True, expected a number"),
    (wrong(InfoNCE, noise_smoothing="1"), TypeError, "noise_smoothing is '1', expected a number"),
    (wrong(SoftTargetInfoNCE, temperature="1"), TypeError, "temperature is '1', expected a number"),
    (wrong(SoftTargetInfoNCE, temperature=0), ValueError, "temperature is 0.0, expected a finite number above 0"),
    (wrong(SoftTargetInfoNCE, reduction="batchmean"), ValueError, "reduction is 'batchmean', expected one of 'none'"),
    (wrong(SoftTargetInfoNCE, reduction=None), ValueError, "reduction is None, expected one of 'none'"),
    (wrong(SoftTargetInfoNCE, backend="cuda"), ValueError, "backend is 'cuda', expected one of 'auto'"),
    (wrong(SoftTargetInfoNCE, gather="no"), TypeError, "gather is 'no', expected True or False"),
    (wrong(SoftTargetInfoNCE, recognise=1), TypeError, "recognise is 1, expected True or False"),
    (wrong(SoftTargetInfoNCE, learn_temperature="no"), TypeError, "learn_temperature is 'no', expected True or False"),
    (lambda: SoftTargetInfoNCE(noise_counts="abc"), TypeError, "noise_counts does not make a tensor"),
    (lambda: SoftTargetInfoNCE(noise_probs=[[0.5], [0.5, 0.5]]), TypeError, "noise_probs does not make a tensor"),
    (lambda: SoftTargetInfoNCE([0.2, 0.8]), TypeError, "temperature is of type list.*go by name"),
    (lambda: SoftTargetCrossEntropy(learn_temperature=2), TypeError, "learn_temperature is 2"),
    (lambda: InfoNCEHead("3", 4), TypeError, "in_features is '3', expected an integer"),
    (lambda: InfoNCEHead(3, 4.0), TypeError, "num_classes is 4.0, expected an integer"),
    (lambda: InfoNCEHead(3, 4, init_std="1"), TypeError, "init_std is '1', expected a number"),
    (lambda: InfoNCEHead(3, 4, sparse="no"), TypeError, "sparse is 'no', expected True or False"),
    (lambda: Mixup(dense="yes"), TypeError, "dense is 'yes', expected True or False"),
    (lambda: Mixup(mode=None), ValueError, "mode is None, expected one of 'batch'"),
]


@pytest.mark.parametrize("make, kind, message", WRONG)
def test_wrong_settings_are_named(make: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        make()


def unit_rows(rows: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.nn.functional.normalize(random_logits(rows, width, seed).float())


READINGS: Any = [
    (lambda: InfoNCE(unit_rows(4, 8), torch.tensor([0, 1, 0, 1])), TypeError, "temperature is of type Tensor"),
    (lambda: InfoNCE()(unit_rows(4, 8), torch.tensor([0, 1, 0, 1])), ValueError, "logits has rows of length 1"),
    (lambda: InfoNCE()(unit_rows(4, 8).half(), torch.tensor([0, 1, 0, 1])), ValueError, "logits has rows of length 1"),
    (lambda: InfoNCE()(random_logits(4, 8), random_logits(4, 8, 1)), ValueError, "targets has negative entries"),
    (lambda: InfoNCE()(random_logits(4, 8), torch.tensor([0, 9, 0, 1])), IndexError, r"targets\[1\] is 9"),
]


@pytest.mark.parametrize("call, kind, message", READINGS)
def test_embeddings_are_refused(call: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message) as raised:
        call()
    if kind is not TypeError:
        assert "InfoNCE classifies: it takes logits [N, d] over d classes" in str(raised.value)


def test_logits_are_not_taken_for_embeddings() -> None:
    for logits in (torch.eye(4), torch.softmax(random_logits(4, 4), 1), random_logits(1, 4), random_logits(4, 4)):
        labels = torch.arange(len(logits))
        for targets in (labels, torch.eye(4, dtype=logits.dtype)[labels]):
            assert bool(InfoNCE()(logits, targets).isfinite())
    # Only the first call looks.
    criterion = InfoNCE()
    criterion(random_logits(4, 8), torch.tensor([0, 1, 0, 1]))
    assert bool(criterion(unit_rows(4, 8), torch.tensor([0, 1, 0, 1])).isfinite())


TYPED = """
import torch
from softnce.data import Mixup
from softnce.head import InfoNCEHead
from softnce.torch import InfoNCE, SoftTargetCrossEntropy, SoftTargetInfoNCE, soft_target_info_nce
import softnce.numpy as sn

logits, labels = torch.zeros(2, 3), torch.tensor([0, 1])
SoftTargetInfoNCE(0.5, "sum")
InfoNCE(reduction="none", backend="tensor")
soft_target_info_nce(logits, labels, reduction="mean")
Mixup(mode="pair")
SoftTargetInfoNCE(reduction="batchmean")  # refused
InfoNCE(0.5, "avg")  # refused
SoftTargetCrossEntropy(reduction="batchmean")  # refused
SoftTargetCrossEntropy(backend="gpu")  # refused
SoftTargetInfoNCE(temperature="1")  # refused
InfoNCE(logits, labels)  # refused
InfoNCEHead("3", 4)  # refused
soft_target_info_nce(logits, labels, reduction="batchmean")  # refused
soft_target_info_nce(logits, labels, backend="gpu")  # refused
sn.soft_target_info_nce([[0.0, 1.0]], [0], reduction="batchmean")  # refused
Mixup(mode="half")  # refused
"""


def test_type_checkers_refuse_wrong_settings(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    script = tmp_path / "typed.py"
    script.write_text(TYPED)
    package = Path(softnce.torch.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(script)],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=Path(__file__).parents[1],
        # mypy finds an installed package by itself, and refuses its folder as a path.
        env={**os.environ, **({} if package.name == "site-packages" else {"MYPYPATH": str(package)})},
    )
    found = {int(line.split(":")[1]) for line in done.stdout.splitlines() if "typed.py:" in line and "error" in line}
    expected = {number for number, line in enumerate(TYPED.splitlines(), 1) if line.endswith("# refused")}
    assert found == expected, done.stdout + done.stderr
