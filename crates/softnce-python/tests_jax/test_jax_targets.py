"""Compact targets as a pytree, their constructors, and the example."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import softnce.jax as sj
import softnce.numpy as sn
from numpy_reference import CLASSES, ROWS, close, random, random_logits, random_targets, written_out

FORMS = ["smoothed", "mixed", "shares"]
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "jax_mixup.py"


@pytest.mark.parametrize("form", FORMS)
def test_conversion_keeps_everything(form: str) -> None:
    there = random_targets(form)
    targets = sj.MixedTargets.from_numpy(there)
    back = targets.to_numpy()
    assert isinstance(back.uniform, float) == isinstance(there.uniform, float)
    for name in ("classes", "weights", "uniform"):
        np.testing.assert_array_equal(getattr(back, name), getattr(there, name))
    assert targets.shape == there.shape and len(targets) == ROWS
    close(targets.dense(jnp.float64), written_out(there), 1e-15)


@pytest.mark.parametrize("form", FORMS)
def test_pytree(form: str) -> None:
    targets = sj.MixedTargets.from_numpy(random_targets(form))
    leaves, structure = jax.tree.flatten(targets)
    assert len(leaves) == (3 if form == "shares" else 2)
    close(jax.tree.unflatten(structure, leaves).dense(jnp.float64), targets.dense(jnp.float64), 1e-15)
    part = jax.jit(lambda targets: targets[2:5])(targets)
    assert isinstance(part, sj.MixedTargets)
    close(part.dense(jnp.float64), targets.dense(jnp.float64)[2:5], 1e-15)
    close(targets[1].dense(jnp.float64), targets.dense(jnp.float64)[1:2], 1e-15)
    close(targets[jnp.array([3, 0])].dense(jnp.float64), targets.dense(jnp.float64)[jnp.array([3, 0])], 1e-15)
    # JAX makes trees of other objects too.
    assert "num_classes=6" in repr(jax.tree.map(lambda leaf: None, targets))


def test_constructors_are_those_of_numpy() -> None:
    source = random(3)
    first, second, lam = source.integers(CLASSES, size=ROWS), source.integers(CLASSES, size=ROWS), source.random(ROWS)
    classes = np.stack([source.permutation(CLASSES)[:2] for _ in range(ROWS)])
    teacher = source.dirichlet(np.ones(CLASSES), ROWS)[:, :2]
    for name, arguments in {
        "hard": (first, CLASSES),
        "smoothed": (first, CLASSES, 0.2),
        "mixed": (first, second, lam, CLASSES, 0.1),
        "top_k": (classes, teacher, CLASSES),
    }.items():
        expected = written_out(getattr(sn.MixedTargets, name)(*arguments))
        close(getattr(sj.MixedTargets, name)(*arguments).dense(jnp.float64), expected, 1e-15)
        traced = jax.jit(getattr(sj.MixedTargets, name), static_argnames="num_classes")
        arrays = [value for value in arguments if value is not CLASSES]
        names = {"smoothed": ["smoothing"], "mixed": ["lam", "smoothing"]}.get(name, [])
        given = dict(zip(names, arrays[len(arrays) - len(names) :]))
        found = traced(*arrays[: len(arrays) - len(names)], num_classes=CLASSES, **given)
        close(found.dense(jnp.float64), expected, 1e-15)


@pytest.mark.parametrize("backend", ["kernel", "jax"])
def test_a_traced_smoothing_cancels_as_a_number_does(backend: str) -> None:
    logits, (first, second, lam) = (
        jnp.asarray(random_logits()),
        (random_targets("labels"), np.arange(ROWS) % CLASSES, 0.7),
    )

    @jax.jit
    def loss(logits: Any, smoothing: Any) -> Any:
        lams = jnp.linspace(0, lam, ROWS)
        targets = sj.MixedTargets.mixed(first, second, lams, CLASSES, smoothing)
        return sj.soft_target_info_nce(logits, targets, backend=backend, reduction="none")

    targets = sn.MixedTargets.mixed(first, second, np.linspace(0, lam, ROWS), CLASSES, 0.1)
    close(loss(logits, 0.1), sn.soft_target_info_nce(np.asarray(logits), targets, reduction="none"), 1e-14)


def test_bad_arguments() -> None:
    ones = np.ones((3, 1))
    for make, kind, message in (
        (lambda: sj.MixedTargets([0, 1, 2], ones, 5), ValueError, r"classes has shape \[3\], expected \[M, K\]"),
        (lambda: sj.MixedTargets(ones, ones, 5), TypeError, "classes has dtype float64, expected integers"),
        (lambda: sj.MixedTargets([[0], [1]], ones, 5), ValueError, r"weights has shape \[3, 1\], expected \[2, 1\]"),
        (lambda: sj.MixedTargets([[0]] * 3, ones, 5, np.ones(2)), ValueError, r"smoothing has shape \[2\]"),
        (
            lambda: sj.MixedTargets([[0]] * 3, ones, 5, 1.5),
            ValueError,
            "smoothing is 1.5, expected a share from 0 to 1",
        ),
        (lambda: sj.MixedTargets([[0]] * 3, ones, 0), ValueError, "num_classes is 0"),
        (lambda: sj.MixedTargets.compact(np.ones(2), [[0]] * 3, ones, 5), ValueError, r"uniform has shape \[2\]"),
        (lambda: sj.MixedTargets.hard([[0]], 5), ValueError, r"labels has shape \[1, 1\], expected \[M\]"),
        (lambda: sj.MixedTargets.mixed([0, 1], [0], 0.5, 5), ValueError, r"second has shape \[1\], expected \[2\]"),
        (lambda: sj.MixedTargets.top_k([[0, 1]], np.ones((1, 2)) / 2, 2), ValueError, "K below 2"),
        (lambda: sj.MixedTargets.from_numpy([1]), TypeError, "targets is of type list"),
    ):
        with pytest.raises(kind, match=message):
            make()


def test_example() -> None:
    done = subprocess.run([sys.executable, "-W", "error", str(EXAMPLE)], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"accuracy (\d\.\d+)", done.stdout.strip())
    assert found and float(found[1]) > 0.95, done.stdout


def test_rows_one_after_another() -> None:
    targets = sj.MixedTargets.mixed([0, 1, 2], [1, 2, 0], np.array([0.2, 0.5, 0.9]), 4)
    assert len(list(targets)) == 3
    for rows in (3, -4, (0, 2)):
        with pytest.raises(IndexError, match="rows is"):
            targets[rows]


def test_smoothing_arrays_with_shares_in_half_precision() -> None:
    lam, labels = jnp.linspace(0.03, 0.97, 16).astype("bfloat16"), jnp.arange(16) % 10
    for smoothing in (0.1, jnp.float32(0.1), jnp.full(16, 0.1)):
        targets = sj.MixedTargets.mixed(labels, labels[::-1], lam, 10, smoothing)
        assert jnp.isfinite(sj.soft_target_info_nce(jnp.zeros((16, 10)), targets))
