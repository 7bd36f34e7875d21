"""Compact targets where tensors are expected: pytrees, data loaders, types, shapes, indexing, NumPy, accelerate."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map
from torch.utils.data import DataLoader, Dataset

import softnce.numpy as sn
from reference import random_logits, random_targets, written_out
from softnce.torch import MixedTargets, soft_target_info_nce

FORMS = ["smoothed", "mixed", "shares"]


@pytest.mark.parametrize("form", FORMS)
def test_pytrees(form: str) -> None:
    made = random_targets(form, 5, 7)
    leaves, _ = tree_flatten({"targets": made, "more": [made]})
    assert all(isinstance(leaf, torch.Tensor) for leaf in leaves) and len(leaves) == (6 if form == "shares" else 4)
    doubled = tree_map(lambda leaf: leaf.repeat_interleave(2, 0), (made,))[0]
    torch.testing.assert_close(doubled.dense(), made.dense().repeat_interleave(2, 0))
    assert tree_map(lambda leaf: leaf.to("meta"), made).device.type == "meta"
    # Leaves that are no tensors, as tree utilities put them there for a moment.
    assert tree_leaves(tree_map(lambda leaf: str(leaf.ndim), made)) == ["2", "2", "1"][: len(tree_leaves(made))]


class Rows(Dataset):
    def __init__(self, targets: MixedTargets) -> None:
        self.targets = targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, row: int) -> Any:
        return {"number": row, "target": self.targets[row]}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("workers", [0, 1])
def test_data_loaders_join_rows(form: str, workers: int) -> None:
    made = random_targets(form, 7, 6)
    parts = list(DataLoader(Rows(made), batch_size=3, num_workers=workers))
    assert [len(part["target"]) for part in parts] == [3, 3, 1]
    torch.testing.assert_close(MixedTargets.cat([part["target"] for part in parts]).dense(), made.dense())


@pytest.mark.parametrize("form", FORMS)
def test_types_and_shapes(form: str) -> None:
    made = random_targets(form, 4, 6)
    assert (made.dtype, made.ndim, made.dim()) == (torch.float64, 2, 2)
    assert made.size() == made.shape == (4, 6) and made.size(1) == made.size(-1) == 6
    for arguments in ((torch.float32,), ("cpu", torch.float32), (torch.zeros(1),)):
        narrow = made.to(*arguments)
        assert narrow.dtype == torch.float32 and narrow.classes.dtype == made.classes.dtype
        torch.testing.assert_close(narrow.dense(), made.dense())
    assert made.to(device="meta", dtype=torch.float32, non_blocking=True).dtype == torch.float32
    # In half precision, weights would no longer sum to 1.
    half = made.to(torch.float16)
    assert half.dtype == torch.float32
    assert bool(soft_target_info_nce(random_logits(4, 6), half).isfinite())
    with pytest.raises(TypeError, match="torch.int64|floating point"):
        made.to(torch.int64)


@pytest.mark.parametrize("form", FORMS)
def test_most_probable_classes(form: str) -> None:
    made = random_targets(form, 40, 5)
    expected = written_out(made, 5).argmax(1)
    for dim in (-1, 1):
        assert torch.equal(made.argmax(dim), expected)
    assert np.array_equal(made.numpy().argmax(), expected.numpy())
    with pytest.raises(ValueError, match="dim is 0"):
        made.argmax(0)


def test_most_probable_classes_of_odd_rows() -> None:
    # A class listed twice; weights below the uniform share; no weight at all; all classes listed.
    rows = [
        MixedTargets.compact(0.0, [[3, 1, 3]], [[0.3, 0.4, 0.3]], 5),
        MixedTargets.top_k([[0, 1]], [[0.1, 0.0]], 5),
        MixedTargets.compact(1.0, [[2]], [[0.0]], 5),
        MixedTargets.compact(0.0, [[1, 0]], [[0.5, 0.5]], 2),
    ]
    assert [int(row.argmax()) for row in rows] == [3, 2, 0, 0]
    assert [int(row.argmax()) for row in rows] == [int(row.dense().argmax(1)) for row in rows]
    assert [int(row.numpy().argmax()[0]) for row in rows] == [3, 2, 0, 0]


SELECTIONS = [
    (np.int64(2), [2]),
    (np.uint8(2), [2]),
    (np.array(2), [2]),
    (torch.tensor(-1), [5]),
    (torch.tensor(1, dtype=torch.int32), [1]),
    (slice(4, None, -2), [4, 2, 0]),
    (slice(1, 5, 3), [1, 4]),
    (range(1, 4), [1, 2, 3]),
    ([5, 0], [5, 0]),
    (np.array([5, 0]), [5, 0]),
    (torch.tensor([3]), [3]),
    (torch.tensor([True, False, False, True, False, False]), [0, 3]),
    (np.array([True, False, False, True, False, False]), [0, 3]),
    ([True, False, False, True, False, False], [0, 3]),
    ([], []),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rows, expected", SELECTIONS, ids=lambda value: str(value)[:20])
def test_rows_picked_in_any_way(form: str, rows: Any, expected: Any) -> None:
    made = random_targets(form, 6, 5)
    wanted = made.dense()[torch.tensor(expected, dtype=torch.int64)]
    torch.testing.assert_close(made[rows].dense(), wanted)
    if not isinstance(rows, torch.Tensor):
        np.testing.assert_allclose(made.numpy()[rows].dense(), wanted.numpy(), rtol=1e-6)


def test_rows_one_by_one() -> None:
    made = random_targets("shares", 3, 5)
    for targets in (made, made.numpy()):
        rows = list(targets)
        assert [len(row) for row in rows] == [1, 1, 1]
        np.testing.assert_array_equal(np.concatenate([row.dense() for row in rows]), made.dense().numpy())
    with pytest.raises(IndexError):
        made[3]
    one = made[0]
    assert torch.equal(one[torch.tensor([True])].dense(), one.dense()) and len(one[torch.tensor([False])]) == 0


@pytest.mark.parametrize("form", FORMS)
def test_numpy_and_back(form: str) -> None:
    made = random_targets(form, 4, 6)
    other = made.numpy()
    assert isinstance(other, sn.MixedTargets) and (other.dtype, other.ndim, other.shape) == (np.float64, 2, (4, 6))
    assert type(other.uniform) is (np.ndarray if form == "shares" else float)
    np.testing.assert_allclose(other.dense(np.float64), written_out(made, 6).numpy(), rtol=1e-12)
    back = MixedTargets.from_numpy(other)
    assert torch.equal(back.dense(torch.float64), made.dense(torch.float64))
    assert back.weights.data_ptr() == made.weights.data_ptr(), "no copy"
    narrow = MixedTargets.compact(0.0, made.classes, made.weights.bfloat16(), 6)
    assert narrow.numpy().dtype == np.float32


@pytest.mark.parametrize("form", FORMS)
def test_dictionaries_of_tensors(form: str) -> None:
    made = random_targets(form, 4, 6)
    tensors = made.to_dict()
    assert {len(tensor) for tensor in tensors.values()} == {4}
    joined = {name: torch.cat([tensor, tensor[:1]]) for name, tensor in tensors.items()}
    back = MixedTargets.from_dict(joined)
    torch.testing.assert_close(back.dense(), made[[0, 1, 2, 3, 0]].dense())
    assert isinstance(back.uniform, float) == isinstance(made.uniform, float)
    with pytest.raises(ValueError, match="tensors lacks classes, weights"):
        MixedTargets.from_dict({"uniform": torch.zeros(1), "num_classes": torch.ones(1)})
    with pytest.raises(ValueError, match="tensors have rows over 6 and 7 classes"):
        MixedTargets.from_dict({**tensors, "num_classes": torch.tensor([6, 6, 7, 6])})
    with pytest.raises(ValueError, match="has no rows"):
        MixedTargets.from_dict(made[:0].to_dict())


WORKER = """
import sys, torch
from accelerate import Accelerator
from softnce.torch import MixedTargets
accelerator = Accelerator(cpu=True)
rank = accelerator.process_index
own = MixedTargets.mixed([rank, 1], [2, rank], [0.25, 0.5], 4, 0.1)
found = MixedTargets.from_dict(accelerator.gather(own.to_dict()))
parts = [MixedTargets.mixed([r, 1], [2, r], [0.25, 0.5], 4, 0.1) for r in range(accelerator.num_processes)]
expected = MixedTargets.cat(parts)
assert accelerator.num_processes == int(sys.argv[1])
assert found.uniform == 0.1 and torch.equal(found.dense(), expected.dense())
# Threads of a process group that is left open may abort the process at its end.
accelerator.end_training()
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_accelerate_gathers(workers: int, tmp_path: Any) -> None:
    pytest.importorskip("accelerate")
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={workers}"] if workers > 1 else []
    done = subprocess.run(
        [sys.executable, *launch, str(script), str(workers)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
