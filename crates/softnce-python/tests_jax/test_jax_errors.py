"""Bad arguments: typed errors where values are known, no number that looks right elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Dict

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import softnce.jax as sj
from numpy_reference import CLASSES, random_logits, random_targets

ROWS = 4


def options(**change: Any) -> Dict[str, Any]:
    return {"logits": random_logits(ROWS), "targets": random_targets("mixed", ROWS), **change}


def compact(uniform: Any, classes: Any, weights: Any) -> sj.MixedTargets:
    return sj.MixedTargets.compact(uniform, np.array(classes), np.array(weights), CLASSES)


SHAPES: Any = {
    "logits are a vector": (options(logits=np.zeros(3)), ValueError, r"logits has shape \[3\]"),
    "no rows": (options(logits=np.zeros((0, CLASSES))), ValueError, r"logits has shape \[0, 6\]"),
    "integer logits": (options(logits=np.zeros((4, 6), int)), TypeError, "logits has dtype int64"),
    "text": (options(targets="cat"), TypeError, "targets does not make an array"),
    "classes": (options(targets=np.ones((4, 5)) / 5), ValueError, r"targets has shape \[4, 5\], expected \[M, 6\]"),
    "compact": (options(targets=random_targets("mixed", 4, 5)), ValueError, r"targets has shape \[4, 5\]"),
    "complex": (options(targets=np.ones((4, 6), complex)), TypeError, "targets has dtype complex128"),
    "stacked labels": (options(targets=np.zeros((4, 1), int)), ValueError, r"expected \[M\] class indices"),
    "too few targets": (options(targets=random_targets("mixed", 3)), ValueError, "3 rows, expected at least 4"),
    "offset": (options(positives=1), ValueError, "4 rows, expected at least 5"),
    "negative offset": (options(positives=-1), IndexError, "positives is -1"),
    "positives": (options(positives=np.arange(3)), ValueError, r"positives has shape \[3\], expected \[4\]"),
    "multiplicities": (options(multiplicities=np.ones(3)), ValueError, r"multiplicities has shape \[3\]"),
    "row weights": (options(row_weights=np.ones(3)), ValueError, r"row_weights has shape \[3\], expected \[4\]"),
    "noise": (options(noise_probs=np.ones(5) / 5), ValueError, r"noise_probs has shape \[5\], expected \[6\]"),
    "temperature": (options(temperature=0.0), ValueError, "temperature is 0.0, expected a finite number above 0"),
    "temperatures": (options(temperature=jnp.ones(2)), ValueError, r"temperature has shape \[2\]"),
    "reduction": (options(reduction="max"), ValueError, "reduction is 'max', expected one of 'none'"),
    "backend": (options(backend="tensor"), ValueError, "backend is 'tensor', expected one of 'auto'"),
}

VALUES: Any = {
    "nan": (options(logits=random_logits(ROWS) * np.nan), ValueError, "logits"),
    "infinite": (options(logits=np.where(np.arange(6) == 2, np.inf, random_logits(ROWS))), ValueError, "logits"),
    "label": (options(targets=[0, 1, 2, 6]), IndexError, "targets"),
    "negative label": (options(targets=[0, -1, 2, 3]), IndexError, "targets"),
    "sum": (options(targets=np.full((4, 6), 0.2)), ValueError, "targets"),
    "negative probability": (options(targets=np.eye(6)[:4] * 2 - np.eye(6)[1:5]), ValueError, "targets"),
    "class": (options(targets=compact(0.0, [[7]] * 4, [[1.0]] * 4)), IndexError, "targets.classes"),
    "compact sum": (options(targets=compact(0.1, [[1]] * 4, [[1.0]] * 4)), ValueError, "targets"),
    "shares": (options(targets=compact(np.full(4, -0.1), [[1]] * 4, [[1.1]] * 4)), ValueError, "targets.uniform"),
    "repeated class": (options(targets=compact(0.0, [[1, 1, 2]] * 4, [[0.3, -0.6, 1.3]] * 4)), ValueError, "targets"),
    "candidates": (options(candidates=jnp.array([9])), IndexError, "candidates"),
    "multiplicities": (options(multiplicities=np.array([1.0, -1, 1, 1])), ValueError, "multiplicities"),
    "no multiplicity": (options(multiplicities=np.zeros(4)), ValueError, "multiplicities"),
    "positives": (options(positives=np.array([0, 1, 2, 4])), IndexError, "positives"),
    "row weights": (options(row_weights=np.array([1.0, np.nan, 1, 1])), ValueError, "row_weights"),
    "noise": (options(noise_probs=np.full(6, 0.5)), ValueError, "noise_probs"),
    "no noise": (options(noise_probs=np.array([0.5, 0.5, 0, 0, 0, 0])), ValueError, "noise_probs"),
    "temperature": (options(temperature=jnp.array(-1.0)), ValueError, "temperature"),
    "small temperature": (options(temperature=jnp.array(1e-310)), ValueError, "temperature"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_checked_before_anything_is_compiled(name: str) -> None:
    arguments, kind, message = SHAPES[name]
    logits, targets = arguments["logits"], arguments["targets"]
    rest = {key: value for key, value in arguments.items() if key not in ("logits", "targets")}
    with pytest.raises(kind, match=message):
        sj.soft_target_info_nce(logits, targets, **rest)
    with pytest.raises(kind, match=message):
        jax.jit(lambda logits: sj.soft_target_info_nce(logits, targets, **rest))(logits)


@pytest.mark.parametrize("name", VALUES)
def test_bad_values_are_never_silent(name: str) -> None:
    arguments, kind, message = VALUES[name]
    logits = jnp.asarray(arguments["logits"])
    rest = {key: value for key, value in arguments.items() if key != "logits"}

    def loss(logits: Any, backend: str) -> Any:
        return sj.soft_target_info_nce(logits, backend=backend, **rest)

    for backend in ("auto", "kernel", "jax"):
        with pytest.raises(kind, match=message):
            loss(logits, backend)
    with pytest.raises(kind, match=message):
        jax.grad(loss)(logits, "jax")
    with pytest.raises(jax.errors.JaxRuntimeError, match=f"{kind.__name__}: {message}"):
        jax.block_until_ready(jax.jit(loss, static_argnums=1)(logits, "kernel"))
    for backend in ("auto", "jax"):
        value, gradient = jax.jit(jax.value_and_grad(loss), static_argnums=1)(logits, backend)
        assert jnp.isnan(value) and jnp.isnan(gradient).all()


@pytest.mark.filterwarnings("ignore:all rows are mixed with one lambda")
def test_what_is_only_unusual_is_accepted() -> None:
    for targets in (
        # A class that stands twice, a weight below 0 above its floor, weights as coarse as their type.
        compact(0.0, [[1, 1, 2]] * 4, [[0.8, -0.2, 0.4]] * 4),
        compact(0.6, [[1, 2]] * 4, [[-0.1, 0.5], [0.0, 0.4]] * 2),
        compact(0.0, [[1, 2, 3]] * 4, np.full((4, 3), 0.3333, np.float16)),
        np.full((4, 6), 1 / 6, np.float16),
    ):
        one, other = (sj.soft_target_info_nce(random_logits(ROWS), targets, backend=b) for b in ("kernel", "jax"))
        assert jnp.isfinite(one)
        np.testing.assert_allclose(one, other, rtol=1e-3)


@pytest.mark.parametrize("backend", ["kernel", "jax"])
def test_info_nce_refuses_soft_rows(backend: str) -> None:
    spread = sj.MixedTargets.compact(1.0, np.zeros((ROWS, 0), int), np.zeros((ROWS, 0)), CLASSES)
    for targets in (spread, *(random_targets(form, ROWS) for form in ("dense", "mixed", "shares"))):
        with pytest.raises(ValueError, match="targets"):
            sj.info_nce(random_logits(ROWS), targets, backend=backend)
        assert jnp.isnan(jax.jit(lambda z, t=targets: sj.info_nce(z, t, backend="jax"))(random_logits(ROWS)))


@pytest.mark.parametrize("jitted", [True, False])
def test_a_shared_lambda_warns_once(jitted: bool, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"""
import jax, softnce.jax
targets = softnce.jax.MixedTargets.mixed([0, 1, 2], [2, 1, 0], 0.3, 3)
loss = lambda logits: softnce.jax.soft_target_info_nce(logits, targets, backend="kernel")
for _ in range(3):
    (jax.jit(loss) if {jitted} else loss)(jax.numpy.eye(3)).block_until_ready()
""")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("UserWarning: all rows are mixed with one lambda") == 1
    # A callback runs on a thread that knows no line of the caller.
    assert jitted or f"{program}:4: UserWarning" in done.stderr


def test_after_an_error_the_same_function_works() -> None:
    loss = jax.jit(lambda logits: sj.soft_target_info_nce(logits, [0, 1, 2, 3], backend="kernel"))
    good = jnp.asarray(random_logits(ROWS))
    before = loss(good)
    for _ in range(2):
        with pytest.raises((jax.errors.JaxRuntimeError, ValueError), match=r"ValueError: logits\[1, 2\] is NaN"):
            jax.block_until_ready(loss(good.at[1, 2].set(jnp.nan)))
    assert loss(good) == before


def test_a_program_ends_with_a_step_in_flight(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("""
import jax, jax.numpy as jnp, softnce.jax
logits, labels, weight = jnp.ones((512, 256)), jnp.arange(512) % 10, jnp.ones((256, 256))
step = jax.jit(lambda z: softnce.jax.soft_target_info_nce(jnp.tanh(z @ weight @ weight) @ weight, labels))
jax.block_until_ready(step(logits))
for _ in range(5):
    step(logits)
""")
    subprocess.run([sys.executable, str(program)], check=True, timeout=120)


def test_integers_that_jax_cannot_hold() -> None:
    with jax.enable_x64(False), pytest.raises((OverflowError, TypeError), match="targets"):
        sj.soft_target_info_nce(jnp.zeros((4, 300)), np.array([2**32 + 1, 0, 1, 2]))
    with pytest.raises(TypeError, match="recognise"):
        sj.soft_target_info_nce(jnp.zeros((4, 3)), [0, 1, 2, 0], recognise="no")
