"""What the tests share: one thread, and programs in several processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, Iterator

import pytest
import torch

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Small tests: PyTorch's threads cost more than they bring, here and in the processes that a test starts."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    yield


def run(*command: object, folder: Path) -> str:
    """Runs a Python program in a folder and returns what it prints; fails with its errors."""
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs an example and returns what it prints. Our warning that the loss may have no optimum is an error there."""
    monkeypatch.setenv("PYTHONWARNINGS", "error:all rows are mixed with one lambda")
    return lambda name, *arguments: run(EXAMPLES / name, *arguments, folder=tmp_path)


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Dict[str, torch.Tensor]]:
    """Runs a program of this folder in one or several processes, and returns the weights that it has saved."""

    def launch(program: str, world: int, *arguments: object) -> Dict[str, torch.Tensor]:
        file = tmp_path / f"weights-{world}.pt"
        several = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", world]
        run(*(several if world > 1 else []), HERE / program, file, *arguments, folder=tmp_path)
        return torch.load(file)

    return launch


def assert_equal_and_moved(
    found: Dict[str, torch.Tensor], expected: Dict[str, torch.Tensor], start: Dict[str, torch.Tensor]
) -> None:
    """The weights are equal, and training has moved each by far more than they may differ."""
    assert found.keys() == expected.keys() == start.keys()
    for name, values in expected.items():
        torch.testing.assert_close(
            found[name], values, rtol=0, atol=1e-9, msg=lambda text, name=name: f"{name}: {text}"
        )
        assert float((values - start[name]).abs().max()) > 1e-4, name
