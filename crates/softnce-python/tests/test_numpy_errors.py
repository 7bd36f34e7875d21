"""The errors of the losses on NumPy arrays; imports, threads and warnings of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np
import pytest

import softnce.numpy as sn
from numpy_reference import random
from softnce.numpy import MixedTargets

# Errors ---------------------------------------------------------------------------------------------------------------

FINITE = "a finite number above 0 with a finite reciprocal"

LOSS_ERRORS = {
    "logits of integers": (TypeError, {"logits": np.zeros((3, 4), int)}, "logits has dtype int64, expected float16, b"),
    "logits of nothing": (TypeError, {"logits": None}, "logits has dtype object, expected float16"),
    "logits flat": (ValueError, {"logits": np.zeros(4)}, r"logits has shape \[4\], expected \[N, d\]"),
    "logits ragged": (ValueError, {"logits": [[0.0], [0.0, 1.0]]}, "logits does not make an array"),
    "logits not finite": (ValueError, {"logits": np.full((3, 4), np.nan)}, r"logits\[0, 0\] is NaN, expected a finite"),
    "logits complex": (TypeError, {"logits": np.zeros((3, 4), complex)}, "logits has dtype complex128"),
    "no rows": (
        ValueError,
        {"logits": np.zeros((0, 4)), "targets": np.zeros((0, 4))},
        r"has shape \[0, 4\], expected at least one row",
    ),
    "no labels": (
        ValueError,
        {"logits": np.zeros((0, 4)), "targets": np.zeros(0, int)},
        r"has shape \[0\], expected at least one row",
    ),
    "no classes": (
        ValueError,
        {"logits": np.zeros((3, 0)), "targets": np.zeros((3, 0))},
        r"has shape \[3, 0\], expected at least one row",
    ),
    "few targets": (ValueError, {"targets": [0, 1]}, "candidates is 2, expected at least 3"),
    "label too high": (IndexError, {"targets": [0, 1, 4]}, r"\[2\] is 4, expected a class from 0 to 3"),
    "label below 0": (IndexError, {"targets": [0, -1, 3]}, r"\[1\] is -1, expected a class from 0 to 3"),
    "labels of booleans": (
        TypeError,
        {"targets": [True] * 3},
        "targets has dtype bool, expected class indices or float",
    ),
    "labels in a table": (
        ValueError,
        {"targets": [[0], [1], [2]]},
        r"targets has shape \[3, 1\], expected \[M\] class in",
    ),
    "flat floats": (ValueError, {"targets": [0.5, 0.5]}, r"targets has shape \[2\], expected \[M, 4\] probabilities"),
    "other classes": (
        ValueError,
        {"targets": np.eye(3)},
        r"targets has shape \[3, 3\], expected \[M, 4\], as the logits",
    ),
    "mixed of others": (ValueError, {"targets": MixedTargets.hard([0, 1, 2], 3)}, r"shape \[3, 3\], expected \[M, 4\]"),
    "off the simplex": (ValueError, {"targets": np.ones((3, 4))}, r"targets\[0\] has a sum of 4, expected 1 within"),
    "below 0": (ValueError, {"targets": [[1.5, -0.5, 0, 0]] * 3}, r"targets\[0, 1\] is -0.5"),
    "mixed off": (
        ValueError,
        {"targets": MixedTargets([[0], [1], [2]], [[2.0]] * 3, 4)},
        r"targets\[0\] has a sum of 2",
    ),
    "mixed class": (
        IndexError,
        {"targets": MixedTargets.hard([0, 1, 9], 4)},
        r"\[2\] is 9, expected a class from 0 to 3",
    ),
    "candidates of others": (
        ValueError,
        {"candidates": np.eye(3)},
        r"candidates has shape \[3, 3\], expected \[M, 4\]",
    ),
    "candidate rows": (
        ValueError,
        {"candidates": [np.ones(4) / 4]},
        r"candidates has shape \[4\], expected \[M, 4\] prob",
    ),
    "candidates as text": (TypeError, {"candidates": "ab"}, "candidates has dtype <U2, expected class indices"),
    "positives of floats": (
        ValueError,
        {"positives": [0.0]},
        r"positives has shape \[1\] and dtype float64, expected \[N\]",
    ),
    "positives in a table": (ValueError, {"positives": [[0, 1, 2]]}, r"positives has shape \[1, 3\] and dtype int64"),
    "positives of others": (
        ValueError,
        {"positives": [0, 1]},
        r"positives has shape \[2\], expected \[3\], one for each row",
    ),
    "positive below 0": (
        IndexError,
        {"positives": [0, -1, 2]},
        r"positives\[1\] is -1, expected the index of a candidate",
    ),
    "positive too high": (
        IndexError,
        {"positives": [0, 1, 3]},
        r"positives\[2\] is 3, expected a candidate from 0 to 2",
    ),
    "offset below 0": (
        IndexError,
        {"positives": -1},
        "positives is -1, expected the index of the first row's positive",
    ),
    "offset too high": (IndexError, {"positives": 1}, r"positives\[2\] is 3, expected a candidate from 0 to 2"),
    "few counts": (
        ValueError,
        {"multiplicities": [1.0]},
        r"multiplicities has shape \[1\] and dtype float64, expected \[3\] fl",
    ),
    "whole counts": (
        ValueError,
        {"multiplicities": [1, 1, 1]},
        r"multiplicities has shape \[3\] and dtype int64, expected",
    ),
    "counts below 0": (
        ValueError,
        {"multiplicities": [1.0, -1.0, 1.0]},
        r"multiplicities\[1\] is -1, expected finite numb",
    ),
    "no counts": (ValueError, {"multiplicities": np.zeros(3)}, r"multiplicities\[0\] is 0, .* one of them above 0"),
    "whole weights": (
        ValueError,
        {"row_weights": [1, 1, 1]},
        r"row_weights has shape \[3\] and dtype int64, expected a vec",
    ),
    "few weights": (ValueError, {"row_weights": np.ones(2)}, r"row_weights has shape \[2\], expected \[3\]"),
    "no weights": (
        ValueError,
        {"row_weights": np.zeros(3)},
        "row_weights is 0, expected at least one above 0",
    ),
    "noise in a table": (
        ValueError,
        {"noise_probs": np.ones((1, 4)) / 4},
        r"noise_probs has shape \[1, 4\] and dtype float64",
    ),
    "noise of others": (ValueError, {"noise_probs": np.ones(3) / 3}, r"noise_probs has shape \[3\], expected \[4\]"),
    "noise off": (ValueError, {"noise_probs": np.ones(4)}, "noise_probs has a sum of 4, expected 1 within"),
    "noise 0": (
        ValueError,
        {"noise_probs": [0.5, 0.5, 0.0, 0.0]},
        r"noise_probs\[2\] is 0, expected a finite number above 0",
    ),
    "temperature 0": (ValueError, {"temperature": 0}, f"temperature is 0, expected {FINITE}"),
    "temperature as text": (TypeError, {"temperature": "warm"}, "temperature is 'warm', expected a number"),
    "reduction": (ValueError, {"reduction": "avg"}, "reduction is 'avg', expected one of 'none', 'mean', 'sum'"),
    "upstream by row": (TypeError, {"upstream": np.ones(3)}, "upstream is array.*, expected a number"),
    "upstream of others": (
        ValueError,
        {"upstream": np.ones(2), "reduction": "none"},
        r"upstream has shape \[2\] and dtype float64, expected \[3\] floats, one for each row",
    ),
    "upstream a number": (
        ValueError,
        {"upstream": 2.0, "reduction": "none"},
        r"upstream has shape \[\] and dtype float64",
    ),
}


@pytest.mark.parametrize("name", LOSS_ERRORS)
def test_errors_of_the_losses(name: str) -> None:
    kind, change, message = LOSS_ERRORS[name]
    arguments = {"logits": np.zeros((3, 4)), "targets": [0, 1, 2], **change}
    with pytest.raises(kind, match=message):
        sn.soft_target_info_nce_and_gradient(**arguments)


HEAD: Dict[str, Any] = {"features": np.zeros((3, 2)), "weight": np.zeros((4, 2)), "targets": [0, 1, 2]}
HEAD_ERRORS = {
    "weight flat": (ValueError, {"weight": np.zeros(4)}, r"weight has shape \[4\], expected \[d, D\]"),
    "weight of integers": (TypeError, {"weight": np.zeros((4, 2), int)}, "weight has dtype int64, expected float16"),
    "features of others": (
        ValueError,
        {"features": np.zeros((3, 3))},
        r"features has shape \[3, 3\], expected \[N, 2\]",
    ),
    "features narrower": (
        TypeError,
        {"features": np.zeros((3, 2), "f4")},
        "features has dtype float32, expected float64, as",
    ),
    "no features": (
        ValueError,
        {"features": np.zeros((3, 0)), "weight": np.zeros((4, 0))},
        r"features has shape \[3, 0\], expected at least one row",
    ),
    "bias of others": (ValueError, {"bias": np.zeros(3)}, r"bias has shape \[3\], expected \[4\]"),
    "bias narrower": (TypeError, {"bias": np.zeros(4, "f2")}, "bias has dtype float16, expected float64, as the class"),
    "dense": (
        ValueError,
        {"weight": np.zeros((9, 2)), "targets": random(0).dirichlet(np.ones(9), 3)},
        "targets has dense rows, expected hard or compact rows",
    ),
    "shares": (
        ValueError,
        {"targets": MixedTargets([[0]] * 3, [[1.0]] * 3, 4, [0.1, 0.2, 0.3])},
        "expected equal ones",
    ),
    "upstream by row": (TypeError, {"upstream": np.ones(3)}, "upstream is array.*, expected a number"),
    "upstream of others": (
        ValueError,
        {"upstream": np.ones(2), "reduction": "none"},
        r"expected \[3\] floats, one for each",
    ),
}


@pytest.mark.parametrize("name", HEAD_ERRORS)
def test_errors_of_the_head(name: str) -> None:
    kind, change, message = HEAD_ERRORS[name]
    with pytest.raises(kind, match=message):
        sn.head_loss_and_gradient(**{**HEAD, **change})


OTHER_ERRORS: Dict[str, Tuple[Any, Callable[[], Any], str]] = {
    "infonce of dense": (
        ValueError,
        lambda: sn.info_nce(np.eye(3), np.array([[0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.6, 0.1, 0.3]])),
        "targets has soft compact rows, expected hard labels or one-hot rows for infonce",
    ),
    "infonce of compact": (
        ValueError,
        lambda: sn.info_nce(np.eye(3), [0, 1, 2], candidates=MixedTargets.smoothed([0], 3, 0.1)),
        "targets has soft compact rows, expected hard labels or one-hot rows for infonce",
    ),
    "cross-entropy": (
        ValueError,
        lambda: sn.soft_target_cross_entropy(np.eye(3), np.eye(3)[:2]),
        "candidates is 2, expected at least 3",
    ),
    "float classes": (
        TypeError,
        lambda: MixedTargets([[0.0]], [[1.0]], 3),
        "classes has dtype float64, expected integers",
    ),
    "float labels": (TypeError, lambda: MixedTargets.hard([0.5], 3), "labels has dtype float64, expected integers"),
    "label table": (ValueError, lambda: MixedTargets.hard([[0]], 3), r"labels has shape \[1, 1\], expected \[M\]"),
    "flat classes": (ValueError, lambda: MixedTargets([0], [1.0], 3), r"classes has shape \[1\], expected \[M, K\]"),
    "weights": (
        ValueError,
        lambda: MixedTargets([[0]], [[1.0, 0.0]], 3),
        r"weights has shape \[1, 2\], expected \[1, 1\], as",
    ),
    "weights as text": (TypeError, lambda: MixedTargets([[0]], [["a"]], 3), "weights has dtype <U1, expected floats"),
    "whole weights": (
        TypeError,
        lambda: MixedTargets.compact(0.0, [[0]], np.array([[1]]), 3),
        "weights has dtype int64, expected floats",
    ),
    "smoothing": (
        ValueError,
        lambda: MixedTargets.smoothed([0], 3, 1.5),
        "smoothing is 1.5, expected a share from 0 to 1",
    ),
    "smoothing as text": (TypeError, lambda: MixedTargets.smoothed([0], 3, "a"), "smoothing is 'a', expected a number"),
    "smoothing by row": (
        ValueError,
        lambda: MixedTargets([[0], [1]], [[1.0], [1.0]], 3, [0.1]),
        r"smoothing has shape \[1\], expected \[2\], one for each row of classes",
    ),
    "uniform": (
        ValueError,
        lambda: MixedTargets.compact([0.1], [[0], [1]], [[0.9], [0.9]], 3),
        r"uniform has shape \[1\], expected \[2\], one for each row of classes",
    ),
    "no classes": (ValueError, lambda: MixedTargets.hard([0], 0), "num_classes is 0, expected at least 1"),
    "half a class": (TypeError, lambda: MixedTargets.hard([0], 2.5), "num_classes is 2.5, expected an integer"),
    "first": (
        ValueError,
        lambda: MixedTargets.mixed([[0]], [[0]], 0.5, 3),
        r"first has shape \[1, 1\], expected \[M\]",
    ),
    "second": (
        ValueError,
        lambda: MixedTargets.mixed([0], [0, 1], 0.5, 3),
        r"second has shape \[2\], expected \[1\], as first",
    ),
    "lam": (
        ValueError,
        lambda: MixedTargets.mixed([0], [1], [0.1, 0.2], 3),
        r"lam has shape \[2\], expected \[1\], as first",
    ),
    "k": (
        ValueError,
        lambda: MixedTargets.top_k([[0, 1]], [[0.5, 0.5]], 2),
        r"classes has shape \[1, 2\], expected \[M, K\]",
    ),
    "top k": (
        ValueError,
        lambda: MixedTargets.top_k([[0]], [[0.5, 0.1]], 3),
        r"probabilities has shape \[1, 2\], expected",
    ),
    "from dense": (
        ValueError,
        lambda: MixedTargets.from_dense([[0.1, 0.2, 0.3, 0.15, 0.25]]),
        "more than three classes differ",
    ),
    "from flat": (
        ValueError,
        lambda: MixedTargets.from_dense([0.5, 0.5]),
        r"probabilities has shape \[2\], expected \[M, d\]",
    ),
    "from integers": (
        TypeError,
        lambda: MixedTargets.from_dense([[1, 0]]),
        "probabilities has dtype int64, expected floats",
    ),
    "from off": (ValueError, lambda: MixedTargets.from_dense([[1.0, 1.0]]), "has a sum of 2, expected 1"),
    "from none": (ValueError, lambda: MixedTargets.from_dense(np.zeros((0, 3))), "expected at least one row"),
    "cat of none": (ValueError, lambda: MixedTargets.cat([]), "parts is empty, expected at least one"),
    "cat": (
        ValueError,
        lambda: MixedTargets.cat([MixedTargets.hard([0], 2), MixedTargets.hard([0], 3)]),
        "parts have 2 and 3 classes, expected the same number",
    ),
    "dense": (
        IndexError,
        lambda: MixedTargets.hard([0, -1], 3).dense(),
        r"classes\[1\] is -1, expected a class from 0 to 2",
    ),
    "dense above": (
        IndexError,
        lambda: MixedTargets.hard([3], 3).dense(),
        r"classes\[0\] is 3, expected a class from 0",
    ),
    "counts": (
        ValueError,
        lambda: sn.noise_from_counts([1, -2]),
        r"counts\[1\] is -2.0, expected a finite number not below",
    ),
    "unseen": (ValueError, lambda: sn.noise_from_counts([1, 0], 0), r"counts\[1\] is 0.0, expected a number above 0"),
    "count table": (
        ValueError,
        lambda: sn.noise_from_counts([[1]]),
        r"counts has shape \[1, 1\], expected \[d\], one for",
    ),
    "no counts": (ValueError, lambda: sn.noise_from_counts([]), r"counts has shape \[0\], expected \[d\]"),
    "counts as text": (TypeError, lambda: sn.noise_from_counts(["a"]), "counts has dtype <U1, expected numbers"),
    "count not finite": (
        ValueError,
        lambda: sn.noise_from_counts([np.inf]),
        r"counts\[0\] is inf, expected a finite number",
    ),
    "negative smoothing": (
        ValueError,
        lambda: sn.noise_from_counts([1], -1),
        "smoothing is -1.0, expected a finite number",
    ),
    "alpha": (ValueError, lambda: sn.noise_from_counts([1, 2], 1, np.nan), "alpha is nan, expected a finite number"),
    "steep": (
        ValueError,
        lambda: sn.noise_from_counts([1, 9], 1, 1e4),
        "alpha is 10000.0, expected a power that keeps",
    ),
    "posterior": (ValueError, lambda: sn.posterior(1.0), r"logits has shape \[\], expected \[..., d\]"),
    "posterior of none": (ValueError, lambda: sn.posterior(np.zeros((2, 0))), r"logits has shape \[2, 0\], expected"),
    "posterior at 0": (ValueError, lambda: sn.posterior([1.0], 0), f"temperature is 0, expected {FINITE}"),
    "posterior below": (ValueError, lambda: sn.posterior(np.ones(2, "f4"), 1e-50), f"is 1e-50, expected {FINITE}"),
    "posterior of integers": (TypeError, lambda: sn.posterior([1, 2]), "logits has dtype int64, expected float16"),
}


@pytest.mark.parametrize("name", OTHER_ERRORS)
def test_errors_elsewhere(name: str) -> None:
    kind, function, message = OTHER_ERRORS[name]
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
