"""What the tests on arrays share: the definition of the losses, targets in every form, golden files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import pytest

from softnce.numpy import MixedTargets

Array = Any

GOLDEN = Path(__file__).resolve().parents[2] / "softnce" / "tests" / "golden"
REDUCTIONS = ["none", "mean", "sum"]
ROWS, CLASSES = 7, 6
# How far a loss or gradient may be from the definition, in units of the largest entry.
TOLERANCE = {"float64": 1e-12, "float32": 2e-6, "float16": 1e-3, "bfloat16": 8e-3}


# The definition -------------------------------------------------------------------------------------------------------


class Exact(NamedTuple):
    """Losses and gradients of the rows."""

    losses: Array
    gradients: Array
    by_temperature: Array


def info_nce(
    logits: Array,
    targets: Array,
    noise: Optional[Array] = None,
    tau: float = 1.0,
    positives: Optional[Array] = None,
    multiplicities: Optional[Array] = None,
) -> Exact:
    """``logsumexp_j(A_ij + log m_j) - A_i,p(i)`` with ``A = (Z / tau - log eta) W^T``, N x M, and its derivatives."""
    rows = np.arange(len(logits))
    positives = rows if positives is None else positives
    times = np.ones(len(targets)) if multiplicities is None else multiplicities
    scores = logits / tau - (0.0 if noise is None else np.log(noise))
    critic = scores @ targets.T
    top = critic.max(1, keepdims=True)
    log_sum = top + np.log((times * np.exp(critic - top)).sum(1, keepdims=True))
    coefficients = times * np.exp(critic - log_sum)
    coefficients[rows, positives] -= 1.0
    by_temperature = -(coefficients * (logits @ targets.T)).sum(1) / tau**2
    return Exact(log_sum[:, 0] - critic[rows, positives], coefficients @ targets / tau, by_temperature)


def cross_entropy(logits: Array, targets: Array, tau: float = 1.0) -> Exact:
    """``-sum_k W_ik log softmax(Z_i / tau)_k`` and its derivatives."""
    scores = logits / tau - (logits / tau).max(1, keepdims=True)
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    coefficients = np.exp(logs) - targets
    by_temperature = -(coefficients * logits).sum(1) / tau**2
    return Exact(-(targets * logs).sum(1), coefficients / tau, by_temperature)


def reduced(
    exact: Exact, reduction: str, weights: Optional[Array] = None, upstream: Any = 1.0
) -> Tuple[Any, Array, float]:
    """The loss, and its gradients times the upstream one."""
    weights = np.ones(len(exact.losses)) if weights is None else weights
    factors = weights * upstream
    if reduction == "mean":
        weights, factors = weights / weights.sum(), factors / weights.sum()
    losses = weights * exact.losses
    loss = losses if reduction == "none" else losses.sum()
    return loss, factors[:, None] * exact.gradients, float((factors * exact.by_temperature).sum())


def written_out(targets: Any, classes: int = CLASSES) -> Array:
    """Targets of any form as rows of probabilities, by the definition of the form."""
    if isinstance(targets, MixedTargets):
        out = np.zeros((len(targets), classes))
        uniform = np.broadcast_to(targets.uniform, len(targets))
        for row in range(len(targets)):
            out[row] += uniform[row] / classes
            for label, weight in zip(targets.classes[row], targets.weights[row]):
                out[row, label] += weight
        return out
    targets = np.asarray(targets)
    return np.eye(classes)[targets] if targets.ndim == 1 else targets.astype(np.float64)


def close(found: Any, expected: Any, tolerance: float) -> None:
    """Same shape, and no further off than the tolerance in units of the largest entry (of 1 where all are smaller)."""
    found, expected = np.asarray(found).astype(np.float64), np.asarray(expected)
    assert found.shape == expected.shape
    off = np.abs(found - expected).max() / max(1.0, np.abs(expected).max())
    assert off <= tolerance, f"off by {off:.3g}, allowed {tolerance:.3g}"


def difference(function: Callable[[Array], Any], place: Array, step: float = 1e-5) -> Array:
    """Central differences of a function at a place."""
    out = np.empty(place.shape)
    for index in np.ndindex(*place.shape):
        above, below = place.copy(), place.copy()
        above[index] += step
        below[index] -= step
        out[index] = (function(above) - function(below)) / (2 * step)
    return out


# Cases ----------------------------------------------------------------------------------------------------------------


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def random_logits(rows: int = ROWS, classes: int = CLASSES, seed: int = 0) -> Array:
    return 2.0 * random(seed).standard_normal((rows, classes))


def random_noise(classes: int = CLASSES, seed: int = 1) -> Array:
    return random(seed).dirichlet(np.full(classes, 2.0))


FORMS = ["labels", "list", "smoothed", "mixed", "shares", "recognised", "dense", "dense32", "nested"]


def random_targets(form: str, rows: int = ROWS, classes: int = CLASSES, seed: int = 2) -> Any:
    source = random(seed)
    first, second, lam = source.integers(classes, size=rows), source.integers(classes, size=rows), source.random(rows)
    mixed = MixedTargets.mixed(first, second, lam, classes, 0.1)
    dense = source.dirichlet(np.ones(classes), rows)
    floor = source.random(rows) * 0.3
    weights = np.stack((lam * (1 - floor), (1 - lam) * (1 - floor)), 1)
    forms: Dict[str, Any] = {
        "labels": first,
        "list": first.tolist(),
        "smoothed": MixedTargets.smoothed(first, classes, 0.2),
        "mixed": mixed,
        "shares": MixedTargets.compact(floor, np.stack((first, second), 1), weights, classes),
        "recognised": mixed.dense(np.float64),
        "dense": dense,
        "dense32": dense.astype(np.float32),
        "nested": dense.tolist(),
    }
    return forms[form]


def everything(total: int, rows: int = ROWS, classes: int = CLASSES) -> Dict[str, Any]:
    """Every optional argument of a contrastive loss."""
    source = random(3)
    multiplicities = source.random(total) + 0.5
    multiplicities[[1, -1]] = 0.0, 3.0
    return {
        "positives": source.permutation(total)[:rows],
        "multiplicities": multiplicities,
        "row_weights": np.append(0.0, source.random(rows - 1) + 0.2),
        "noise_probs": random_noise(classes),
        "temperature": 0.7,
    }


def with_oracle(logits: Array, written: Array, options: Dict[str, Any]) -> Exact:
    return info_nce(
        logits,
        written,
        options["noise_probs"],
        options["temperature"],
        options["positives"],
        options["multiplicities"],
    )


def float_type(name: str) -> Any:
    return pytest.importorskip("ml_dtypes").bfloat16 if name == "bfloat16" else np.dtype(name).type


def golden_files() -> List[Path]:
    return sorted(GOLDEN.glob("*.safetensors"))


def read_golden(path: Path) -> Tuple[Dict[str, str], Dict[str, Array]]:
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open(path, framework="numpy") as file:
        return file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
