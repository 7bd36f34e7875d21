"""Several real processes with gloo: different data, different numbers of rows, the parameters of one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
import torch

import workers
from reference import random_logits, random_noise, random_targets
from softnce.torch import SoftTargetInfoNCE, soft_target_info_nce


def run(world: int, folder: Path, *arguments: str) -> List[Dict[str, Any]]:
    """What each worker wrote."""
    program = str(Path(workers.__file__))
    processes = [
        subprocess.Popen(
            [sys.executable, program, str(rank), str(world), str(folder), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(world)
    ]
    outputs = [process.communicate(timeout=180)[0] for process in processes]
    for process, output in zip(processes, outputs):
        assert process.returncode == 0, output
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(world)]


@pytest.mark.parametrize(
    "world, loss, form, backend, weighted, compiled",
    [
        (2, "soft", "mixed", "auto", False, False),
        (2, "soft", "unlike", "tensor", True, False),
        (2, "soft", "recognised", "auto", False, True),
        (3, "soft", "mixed", "tensor", False, False),
        (3, "soft", "shares", "auto", True, False),
        (3, "soft", "unlike", "auto", False, False),
        (3, "soft", "dense", "auto", False, False),
        (2, "infonce", "labels", "auto", False, False),
        (3, "queue", "mixed", "auto", False, False),
        (2, "head", "mixed", "auto", True, False),
        (3, "head", "labels", "tensor", False, False),
        (2, "sparse-head", "mixed", "auto", False, False),
        (2, "classes", "mixed", "auto", False, False),
        (3, "classes", "dense", "tensor", True, False),
        (2, "classes", "shares", "auto", True, True),
    ],
)
def test_training_as_in_one_process(
    world: int, loss: str, form: str, backend: str, weighted: bool, compiled: bool, tmp_path: Path
) -> None:
    expected = workers.one_process(world, loss, form, weighted)
    results = run(world, tmp_path, "train", loss, form, backend, str(weighted), str(compiled))
    mean = torch.stack([result["losses"] for result in results]).mean(0)
    torch.testing.assert_close(mean, expected["losses"], rtol=0, atol=1e-6)
    untouched = workers.network(loss)
    for name, parameter in untouched.named_parameters():
        for result in results:
            found = result[name]
            torch.testing.assert_close(found, expected[name], rtol=0, atol=1e-6)
            # They have moved by far more than they may differ.
            assert float((found - parameter.detach()).abs().max()) > 1e-3


def check(results: List[Dict[str, Any]], expected: Dict[str, Any]) -> None:
    """Every worker has the parameters of one process."""
    for name, value in expected.items():
        for result in results:
            if name != "losses":
                torch.testing.assert_close(result[name], value, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "world, kind, compiled",
    [(3, "info-nce", False), (2, "info-nce", True), (2, "cross-entropy", False), (3, "cross-entropy", False)],
)
def test_a_learned_temperature_beside_the_model(world: int, kind: str, compiled: bool, tmp_path: Path) -> None:
    expected = workers.beside_in_one_process(world, kind)
    check(run(world, tmp_path, "beside", str(compiled), kind), expected)
    assert abs(float(expected["criterion.log_temperature"].exp()) - 0.7) > 1e-2


def test_second_derivatives_of_a_group(tmp_path: Path) -> None:
    results = run(2, tmp_path, "second-derivatives")
    seconds = []
    for rank in range(2):
        made = SoftTargetInfoNCE(0.7, learn_temperature=True).double()
        loss = made(random_logits(4, 3, rank), random_targets("labels", 4, 3, rank))
        (gradient,) = torch.autograd.grad(loss, made.log_temperature, create_graph=True)
        seconds.append(torch.autograd.grad(gradient.sum(), made.log_temperature)[0])
    for result in results:
        torch.testing.assert_close(result["second"], torch.stack(seconds).mean(0))
        assert result["hessian"].isfinite()


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
def test_classes_as_candidates(backend: str, tmp_path: Path) -> None:
    results = run(len(workers.SHARDS), tmp_path, "class-candidates", backend)
    logits, labels, weights = workers.class_inputs()
    made = SoftTargetInfoNCE(0.7, noise_probs=random_noise(workers.CLASSES), candidates="classes", ignore_index=-100)
    for name, given in (("plain", None), ("weighted", weights)):
        leaf = logits.clone().requires_grad_()
        loss = made(leaf, labels, row_weights=given)
        loss.backward()
        found = torch.stack([result[name][0] for result in results]).mean()
        torch.testing.assert_close(found, loss.detach())
        torch.testing.assert_close(torch.cat([result[name][1] for result in results]) / len(results), leaf.grad)
        # The last worker has no rows that count.
        assert float(results[-1][name][0]) == 0.0
    own, first = [], 0
    for rows in workers.SHARDS:
        own.append(made(logits[first : first + rows], labels[first : first + rows]).detach())
        first += rows
    for result, expected in zip(results, own):
        torch.testing.assert_close(result["local"], expected, equal_nan=True)
        torch.testing.assert_close(result["alone"], expected, equal_nan=True)
        assert "all rows of all workers have weight 0" in result["error"]
    drawn = torch.stack([result["drawn"] for result in results]).mean()
    torch.testing.assert_close(drawn, made(logits, labels), rtol=1e-2, atol=1e-2)
    made.temperature = 1.0
    rest = made(logits[workers.SHARDS[0] :], labels[workers.SHARDS[0] :].clamp(0))
    torch.testing.assert_close(torch.stack([result["zero"] for result in results]).mean(), rest)
    assert float(results[0]["zero"]) == 0.0
    tau = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    loss = soft_target_info_nce(
        logits, labels.clamp(0), candidates="classes", noise_probs=made.noise_probs, temperature=tau
    )
    slope = torch.stack([result["slope"] for result in results]).mean()
    torch.testing.assert_close(slope, torch.autograd.grad(loss, tau)[0])


@pytest.mark.parametrize("place", ["inside", "beside"])
def test_fully_sharded_training(place: str, tmp_path: Path) -> None:
    check(run(2, tmp_path, "fully-sharded", place), workers.beside_in_one_process(2, "info-nce"))


@pytest.mark.parametrize("backend", ["kernel", "tensor"])
def test_logits_that_are_distributed_tensors(backend: str, tmp_path: Path) -> None:
    dense, labels, logits = workers.sharded_inputs()
    results = run(2, tmp_path, "distributed-tensors", backend)
    for result in results:
        assert len(result) == 6
        for name, found in result.items():
            leaf = logits.clone().requires_grad_()
            loss = SoftTargetInfoNCE(0.5)(leaf, labels if name.startswith("labels") else dense)
            loss.backward()
            torch.testing.assert_close(found, torch.cat([loss.detach().reshape(1), leaf.grad.reshape(-1)]))


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("backend", ["kernel", "tensor"])
def test_golden_files_of_a_group(world: int, backend: str, tmp_path: Path) -> None:
    seen = 0
    for result in run(world, tmp_path, "golden", backend):
        for name, difference in result.items():
            assert float(difference.abs().max()) < 1e-12, name
            seen += 1
    assert seen == 2 * 3 * world


def test_errors_in_a_group(tmp_path: Path) -> None:
    first, second = run(2, tmp_path, "refusals")
    assert "logits of worker 1 have 4 classes, expected 3" in first["classes"]
    assert "logits of worker 0 have 3 classes, expected 4" in second["classes"]
    assert "targets[0] has a sum of 1.5" in first["bad"]
    assert "targets of worker 0 of the process group are not valid" in second["bad"]
    assert "process_group does not contain this process" in first["member"] and "member" not in second
    for result in (first, second):
        assert "targets has 2 rows, expected 1" in result["rows"]
        assert "cannot be given when targets are gathered" in result["positives"]
        assert "all rows of all workers have weight 0" in result["empty"]
    assert abs(float(first["alone"]) - float(torch.tensor(2.0).log())) < 1e-6
    assert first["eval"] == first["alone"]


@pytest.mark.parametrize(
    "kind, dtype", [("gathered", "float64"), ("gathered", "bfloat16"), ("local", "float32"), ("drawn", "float32")]
)
def test_row_optimisers(kind: str, dtype: str, tmp_path: Path) -> None:
    results = run(2, tmp_path, "words", kind, dtype)
    for result in results:
        refused = [result.pop(f"refused {name}") for name in ("words", "top", "loss")]
        assert all("call optimizer.catch_up() on every worker" in message for message in refused)
    if kind == "drawn":
        assert results[0].pop("sum") == 0 and results[1].pop("sum") != 0
    untouched = dict(workers.Words(kind, getattr(torch, dtype)).named_parameters())
    assert results[0].keys() == untouched.keys()
    for name, value in results[0].items():
        # The same bits, although each worker reads rows of its own.
        assert torch.equal(value, results[1][name])
        assert float((value - untouched[name].detach()).abs().max()) > 1e-2
    if kind == "gathered" and dtype == "float64":
        expected = workers.train_words(0, 1, kind, torch.float64)
        assert not [name for name in expected if name.startswith("refused")]
        check(results, expected)
