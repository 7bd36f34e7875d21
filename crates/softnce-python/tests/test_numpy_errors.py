"""The errors of the losses on NumPy arrays; imports, threads and warnings of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Optional

import numpy as np
import pytest

import softnce.numpy as sn
from numpy_reference import random
from softnce.numpy import MixedTargets

# Errors ---------------------------------------------------------------------------------------------------------------

FINITE = "a finite number above 0 with a finite reciprocal"

LOSS_ERRORS: Any = [
    (TypeError, {"logits": np.zeros((3, 4), int)}, "logits has dtype int64, expected float16, b"),
    (TypeError, {"logits": None}, "logits has dtype object, expected float16"),
    (ValueError, {"logits": np.zeros(4)}, r"logits has shape \[4\], expected \[N, d\]"),
    pytest.param(
        ValueError,
        {"logits": [[0.0], [0.0, 1.0]]},
        "logits does not make an array",
        marks=pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "1.24.0", reason="NumPy makes one of lists"),
    ),
    (ValueError, {"logits": np.full((3, 4), np.nan)}, r"logits\[0, 0\] is NaN, expected a finite"),
    (TypeError, {"logits": np.zeros((3, 4), complex)}, "logits has dtype complex128"),
    (
        ValueError,
        {"logits": np.zeros((0, 4)), "targets": np.zeros((0, 4))},
        r"has shape \[0, 4\], expected at least one row",
    ),
    (
        ValueError,
        {"logits": np.zeros((0, 4)), "targets": np.zeros(0, int)},
        r"has shape \[0\], expected at least one row",
    ),
    (
        ValueError,
        {"logits": np.zeros((3, 0)), "targets": np.zeros((3, 0))},
        r"has shape \[3, 0\], expected at least one row",
    ),
    (ValueError, {"targets": [0, 1]}, "candidates is 2, expected at least 3"),
    (IndexError, {"targets": [0, 1, 4]}, r"\[2\] is 4, expected a class from 0 to 3"),
    (IndexError, {"targets": [0, -1, 3]}, r"\[1\] is -1, expected a class from 0 to 3"),
    (TypeError, {"targets": [True] * 3}, "targets has dtype bool, expected class indices or float"),
    (ValueError, {"targets": [[0], [1], [2]]}, r"targets has shape \[3, 1\], expected \[M\] class in"),
    (ValueError, {"targets": [0.5, 0.5]}, r"targets has shape \[2\], expected \[M, 4\] probabilities"),
    (ValueError, {"targets": np.eye(3)}, r"targets has shape \[3, 3\], expected \[M, 4\], as the logits"),
    (ValueError, {"targets": MixedTargets.hard([0, 1, 2], 3)}, r"shape \[3, 3\], expected \[M, 4\]"),
    (ValueError, {"targets": np.ones((3, 4))}, r"targets\[0\] has a sum of 4, expected 1 within"),
    (ValueError, {"targets": [[1.5, -0.5, 0, 0]] * 3}, r"targets\[0, 1\] is -0.5"),
    (ValueError, {"targets": MixedTargets([[0], [1], [2]], [[2.0]] * 3, 4)}, r"targets\[0\] has a sum of 2"),
    (IndexError, {"targets": MixedTargets.hard([0, 1, 9], 4)}, r"\[2\] is 9, expected a class from 0 to 3"),
    (ValueError, {"candidates": np.eye(3)}, r"candidates has shape \[3, 3\], expected \[M, 4\]"),
    (ValueError, {"candidates": [np.ones(4) / 4]}, r"candidates has shape \[4\], expected \[M, 4\] prob"),
    (TypeError, {"candidates": "ab"}, "candidates has dtype <U2, expected class indices"),
    (ValueError, {"positives": [0.0]}, r"positives has shape \[1\] and dtype float64, expected \[N\]"),
    (ValueError, {"positives": [[0, 1, 2]]}, r"positives has shape \[1, 3\] and dtype int64"),
    (ValueError, {"positives": [0, 1]}, r"positives has shape \[2\], expected \[3\], one for each row"),
    (IndexError, {"positives": [0, -1, 2]}, r"positives\[1\] is -1, expected the index of a candidate"),
    (IndexError, {"positives": [0, 1, 3]}, r"positives\[2\] is 3, expected a candidate from 0 to 2"),
    (IndexError, {"positives": -1}, "positives is -1, expected the index of the first row's positive"),
    (IndexError, {"positives": 1}, r"positives\[2\] is 3, expected a candidate from 0 to 2"),
    (ValueError, {"multiplicities": [1.0]}, r"multiplicities has shape \[1\] and dtype float64, expected \[3\] nu"),
    (ValueError, {"multiplicities": [1.0, -1.0, 1.0]}, r"multiplicities\[1\] is -1, expected finite numb"),
    (ValueError, {"multiplicities": np.zeros(3)}, r"multiplicities\[0\] is 0, .* one of them above 0"),
    (ValueError, {"row_weights": np.ones(2)}, r"row_weights has shape \[2\], expected \[3\]"),
    (ValueError, {"row_weights": np.zeros(3)}, "row_weights is 0, expected at least one above 0"),
    (ValueError, {"noise_probs": np.ones((1, 4)) / 4}, r"noise_probs has shape \[1, 4\] and dtype float64"),
    (ValueError, {"noise_probs": np.ones(3) / 3}, r"noise_probs has shape \[3\], expected \[4\]"),
    (ValueError, {"noise_probs": np.ones(4)}, "noise_probs has a sum of 4, expected 1 within"),
    (ValueError, {"noise_probs": [0.5, 0.5, 0.0, 0.0]}, r"noise_probs\[2\] is 0, expected a finite number above 0"),
    (ValueError, {"temperature": 0}, f"temperature is 0, expected {FINITE}"),
    (TypeError, {"temperature": "warm"}, "temperature is 'warm', expected a number"),
    (ValueError, {"reduction": "avg"}, "reduction is 'avg', expected one of 'none', 'mean', 'sum'"),
    (TypeError, {"upstream": np.ones(3)}, "upstream is array.*, expected a number"),
    (
        ValueError,
        {"upstream": np.ones(2), "reduction": "none"},
        r"upstream has shape \[2\] and dtype float64, expected \[3\] floats, one for each row",
    ),
    (ValueError, {"upstream": 2.0, "reduction": "none"}, r"upstream has shape \[\] and dtype float64"),
]


@pytest.mark.parametrize("kind, change, message", LOSS_ERRORS)
def test_errors_of_the_losses(kind: type, change: Dict[str, Any], message: str) -> None:
    arguments = {"logits": np.zeros((3, 4)), "targets": [0, 1, 2], **change}
    with pytest.raises(kind, match=message):
        sn.soft_target_info_nce_and_gradient(**arguments)


HEAD: Dict[str, Any] = {"features": np.zeros((3, 2)), "weight": np.zeros((4, 2)), "targets": [0, 1, 2]}
HEAD_ERRORS: Any = [
    (ValueError, {"weight": np.zeros(4)}, r"weight has shape \[4\], expected \[d, D\]"),
    (TypeError, {"weight": np.zeros((4, 2), int)}, "weight has dtype int64, expected float16"),
    (ValueError, {"features": np.zeros((3, 3))}, r"features has shape \[3, 3\], expected \[N, 2\]"),
    (TypeError, {"features": np.zeros((3, 2), "f4")}, "features has dtype float32, expected float64, as"),
    (
        ValueError,
        {"features": np.zeros((3, 0)), "weight": np.zeros((4, 0))},
        r"features has shape \[3, 0\], expected at least one row",
    ),
    (ValueError, {"bias": np.zeros(3)}, r"bias has shape \[3\], expected \[4\]"),
    (TypeError, {"bias": np.zeros(4, "f2")}, "bias has dtype float16, expected float64, as weight"),
    (
        ValueError,
        {"weight": np.zeros((9, 2)), "targets": random(0).dirichlet(np.ones(9), 3)},
        "targets has dense rows, expected hard or compact rows",
    ),
    (ValueError, {"targets": MixedTargets([[0]] * 3, [[1.0]] * 3, 4, [0.1, 0.2, 0.3])}, "expected equal ones"),
    (TypeError, {"upstream": np.ones(3)}, "upstream is array.*, expected a number"),
    (ValueError, {"upstream": np.ones(2), "reduction": "none"}, r"expected \[3\] floats, one for each"),
]


@pytest.mark.parametrize("kind, change, message", HEAD_ERRORS)
def test_errors_of_the_head(kind: type, change: Dict[str, Any], message: str) -> None:
    with pytest.raises(kind, match=message):
        sn.head_loss_and_gradient(**{**HEAD, **change})


OTHER_ERRORS: Any = [
    (
        ValueError,
        lambda: sn.info_nce(np.eye(3), np.array([[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.6, 0.1, 0.3]])),
        "targets has soft compact rows, expected hard labels or one-hot rows for infonce",
    ),
    (
        ValueError,
        lambda: sn.info_nce(np.eye(3), [0, 1, 2], candidates=MixedTargets.smoothed([0], 3, 0.1)),
        "targets has soft compact rows, expected hard labels or one-hot rows for infonce",
    ),
    (
        ValueError,
        lambda: sn.soft_target_cross_entropy(np.eye(3), np.eye(3)[:2]),
        "candidates is 2, expected at least 3",
    ),
    (TypeError, lambda: MixedTargets([[0.0]], [[1.0]], 3), "classes has dtype float64, expected integers"),
    (TypeError, lambda: MixedTargets.hard([0.5], 3), "labels has dtype float64, expected integers"),
    (ValueError, lambda: MixedTargets.hard([[0]], 3), r"labels has shape \[1, 1\], expected \[M\]"),
    (ValueError, lambda: MixedTargets([0], [1.0], 3), r"classes has shape \[1\], expected \[M, K\]"),
    (ValueError, lambda: MixedTargets([[0]], [[1.0, 0.0]], 3), r"weights has shape \[1, 2\], expected \[1, 1\], as"),
    (TypeError, lambda: MixedTargets([[0]], [["a"]], 3), "weights has dtype <U1, expected floats"),
    (
        TypeError,
        lambda: MixedTargets.compact(0.0, [[0]], np.array([[1]]), 3),
        "weights has dtype int64, expected floats",
    ),
    (ValueError, lambda: MixedTargets.smoothed([0], 3, 1.5), "smoothing is 1.5, expected a share from 0 to 1"),
    (TypeError, lambda: MixedTargets.smoothed([0], 3, "a"), "smoothing is 'a', expected a number"),
    (
        ValueError,
        lambda: MixedTargets([[0], [1]], [[1.0], [1.0]], 3, [0.1]),
        r"smoothing has shape \[1\], expected \[2\], one for each row of classes",
    ),
    (
        ValueError,
        lambda: MixedTargets.compact([0.1], [[0], [1]], [[0.9], [0.9]], 3),
        r"uniform has shape \[1\], expected \[2\], one for each row of classes",
    ),
    (ValueError, lambda: MixedTargets.hard([0], 0), "num_classes is 0, expected at least 1"),
    (TypeError, lambda: MixedTargets.hard([0], 2.5), "num_classes is 2.5, expected an integer"),
    (ValueError, lambda: MixedTargets.mixed([[0]], [[0]], 0.5, 3), r"first has shape \[1, 1\], expected \[M\]"),
    (ValueError, lambda: MixedTargets.mixed([0], [0, 1], 0.5, 3), r"second has shape \[2\], expected \[1\], as first"),
    (ValueError, lambda: MixedTargets.mixed([0], [1], [0.1, 0.2], 3), r"lam has shape \[2\], expected \[1\], as first"),
    (
        ValueError,
        lambda: MixedTargets.top_k([[0, 1]], [[0.5, 0.5]], 2),
        r"classes has shape \[1, 2\], expected \[M, K\]",
    ),
    (ValueError, lambda: MixedTargets.top_k([[0]], [[0.5, 0.1]], 3), r"probabilities has shape \[1, 2\], expected"),
    (ValueError, lambda: MixedTargets.from_dense([[0.1, 0.2, 0.3, 0.15, 0.25]]), "more than three classes differ"),
    (ValueError, lambda: MixedTargets.from_dense([0.5, 0.5]), r"probabilities has shape \[2\], expected \[M, d\]"),
    (TypeError, lambda: MixedTargets.from_dense([[1, 0]]), "probabilities has dtype int64, expected floats"),
    (ValueError, lambda: MixedTargets.from_dense([[1.0, 1.0]]), "has a sum of 2, expected 1"),
    (ValueError, lambda: MixedTargets.from_dense(np.zeros((0, 3))), "expected at least one row"),
    (ValueError, lambda: MixedTargets.cat([]), "parts is empty, expected at least one"),
    (
        ValueError,
        lambda: MixedTargets.cat([MixedTargets.hard([0], 2), MixedTargets.hard([0], 3)]),
        "parts have 2 and 3 classes, expected the same number",
    ),
    (IndexError, lambda: MixedTargets.hard([0, -1], 3).dense(), r"classes\[1\] is -1, expected a class from 0 to 2"),
    (IndexError, lambda: MixedTargets.hard([3], 3).dense(), r"classes\[0\] is 3, expected a class from 0"),
    (ValueError, lambda: sn.noise_from_counts([1, -2]), r"counts\[1\] is -2.0, expected a finite number not below"),
    (ValueError, lambda: sn.noise_from_counts([1, 0], 0), r"counts\[1\] is 0.0, expected a number above 0"),
    (ValueError, lambda: sn.noise_from_counts([[1]]), r"counts has shape \[1, 1\], expected \[d\], one for"),
    (ValueError, lambda: sn.noise_from_counts([]), r"counts has shape \[0\], expected \[d\]"),
    (TypeError, lambda: sn.noise_from_counts(["a"]), "counts has dtype <U1, expected numbers"),
    (ValueError, lambda: sn.noise_from_counts([np.inf]), r"counts\[0\] is inf, expected a finite number"),
    (ValueError, lambda: sn.noise_from_counts([1], -1), "smoothing is -1.0, expected a finite number"),
    (ValueError, lambda: sn.noise_from_counts([1, 2], 1, np.nan), "alpha is nan, expected a finite number"),
    (ValueError, lambda: sn.noise_from_counts([1, 9], 1, 1e4), "alpha is 10000.0, expected a power that keeps"),
    (ValueError, lambda: sn.posterior(1.0), r"logits has shape \[\], expected \[..., d\]"),
    (ValueError, lambda: sn.posterior(np.zeros((2, 0))), r"logits has shape \[2, 0\], expected"),
    (ValueError, lambda: sn.posterior([1.0], 0), f"temperature is 0, expected {FINITE}"),
    (ValueError, lambda: sn.posterior(np.ones(2, "f4"), 1e-50), f"is 1e-50, expected {FINITE}"),
    (TypeError, lambda: sn.posterior([1, 2]), "logits has dtype int64, expected float16"),
]


@pytest.mark.parametrize("kind, function, message", OTHER_ERRORS)
def test_errors_elsewhere(kind: type, function: Callable[[], Any], message: str) -> None:
    with pytest.raises(kind, match=message):
        function()


# The process ----------------------------------------------------------------------------------------------------------


def run(script: str, path: Optional[Path] = None, **environment: str) -> str:
    """What a script prints in an interpreter of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")}
    if path is not None:
        path.write_text(script)
    command = [sys.executable, "-c", script] if path is None else [sys.executable, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**kept, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_torch_is_not_imported_where_it_is_there() -> None:
    assert run("import sys, softnce.numpy; print('torch' in sys.modules)") == "False\n"


def test_torch_is_not_needed() -> None:
    script = """
import sys
sys.modules["torch"] = None
import numpy as np
import softnce.numpy as sn
loss = sn.soft_target_info_nce_and_gradient(np.eye(3), np.eye(3)).loss
sn.head_loss_and_gradient(np.eye(3), np.eye(3), [0, 1, 2])
assert not [name for name in sys.modules if name.startswith(("torch.", "softnce.torch"))]
print(float(loss))
"""
    assert float(run(script, OMP_NUM_THREADS="1")) == pytest.approx(np.log(1 + 2 / np.e), rel=1e-12)


@pytest.mark.parametrize(
    "environment, threads",
    [
        ({"RAYON_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "3,1"}, 3),
        ({"RAYON_NUM_THREADS": "2", "OMP_NUM_THREADS": "3"}, 2),
        ({"RAYON_NUM_THREADS": "0", "OMP_NUM_THREADS": "many"}, os.cpu_count()),
        ({}, os.cpu_count()),
    ],
)
def test_threads_are_those_of_the_environment(environment: Dict[str, str], threads: int) -> None:
    script = "import softnce, softnce.numpy as sn; sn.info_nce([[0.0, 1.0]], [0]); print(softnce.num_threads())"
    assert run(script, **environment) == f"{threads}\n"


def test_threads_that_were_set_stay() -> None:
    script = (
        "import softnce, softnce.numpy as sn; softnce.set_num_threads(2); sn.info_nce([[0.0]], [0]); "
        "print(softnce.num_threads())"
    )
    assert run(script, OMP_NUM_THREADS="3") == "2\n"


DETERMINISM = """
import numpy as np, softnce.numpy as sn
source = np.random.default_rng(0)
logits = source.standard_normal((300, 200)).astype(np.float32)
dense = source.dirichlet(np.ones(200), 300)
labels = source.integers(200, size=300)
for targets in (labels, dense):
    loss, gradient, by_temperature = sn.soft_target_info_nce_and_gradient(logits, targets)
    print(float(loss).hex(), by_temperature.hex(), hash(gradient.tobytes()))
head = sn.head_loss_and_gradient(logits[:, :50], logits[:200, 50:100], labels)
print(float(head.loss).hex(), *[hash(part.tobytes()) for part in head[1:4]])
"""


def test_results_do_not_depend_on_the_threads() -> None:
    one, two = (run(DETERMINISM, RAYON_NUM_THREADS=threads, PYTHONHASHSEED="0") for threads in ("1", "2"))
    assert one == two and len(one.splitlines()) == 3


@pytest.mark.parametrize(
    "call",
    [
        "sn.soft_target_info_nce(np.eye(3), targets)",
        "sn.soft_target_info_nce_and_gradient(np.eye(3), targets)",
        "sn.head_loss_and_gradient(np.eye(3), np.eye(3), targets)",
    ],
)
def test_warnings_name_the_line_that_called(call: str, tmp_path: Path) -> None:
    script = f"""import warnings
import numpy as np, softnce.numpy as sn
targets = sn.MixedTargets.mixed([0, 1, 2], [1, 2, 0], 0.7, 3)
def loss():
    return {call}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    loss()
print([(str(warning.message)[:35], warning.filename, warning.lineno) for warning in caught])
"""
    path = tmp_path / "script.py"
    message = "all rows are mixed with one lambda "
    assert run(script, path, OMP_NUM_THREADS="1") == f"{[(message, str(path), 5)]}\n"
