"""The losses on JAX arrays: the definition in every form and type, golden files, ``softnce.torch``, large scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import softnce.jax as sj
import softnce.numpy as sn
import softnce.torch as st
from numpy_reference import (
    CLASSES,
    FORMS,
    REDUCTIONS,
    ROWS,
    TOLERANCE,
    close,
    cross_entropy,
    everything,
    golden_files,
    info_nce,
    random,
    random_logits,
    random_targets,
    read_golden,
    reduced,
    with_oracle,
    written_out,
)
from reference import large_scores
from softnce.jax import _plain

BACKENDS = ["kernel", "jax"]
# jitted or not: where the kernels run as a custom call and where they run at once.
PATHS = [(backend, jitted) for backend in ["auto", *BACKENDS] for jitted in (True, False)]


def both(function: Any, *places: Any, jitted: bool = False, upstream: Any = 1.0) -> Any:
    """The loss, and its gradients with respect to the places times the upstream one."""

    def total(*places: Any) -> Any:
        loss = function(*places)
        return (loss * upstream).sum(), loss

    gradients = jax.value_and_grad(total, tuple(range(len(places))), has_aux=True)
    (_, loss), found = (jax.jit(gradients) if jitted else gradients)(*places)
    return (loss, *found)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", FORMS)
def test_every_argument_enters_as_defined(form: str, reduction: str) -> None:
    backend, jitted = PATHS[(FORMS.index(form) + 2 * REDUCTIONS.index(reduction)) % len(PATHS)]
    logits, targets = random_logits(), random_targets(form)
    further = [random_targets(kind, size, seed=size) for kind, size in (("labels", 4), ("mixed", 3), ("dense", 2))]
    written = np.concatenate([written_out(targets), *map(written_out, further)])
    options = everything(len(written))
    upstream = random(8).standard_normal(ROWS) if reduction == "none" else -2.5
    exact = reduced(with_oracle(logits, written, options), reduction, options["row_weights"], upstream)
    rest = {name: value for name, value in options.items() if name != "temperature"}

    def loss(logits: Any, temperature: Any) -> Any:
        arguments = {"candidates": further, "reduction": reduction, "temperature": temperature, **rest}
        return sj.soft_target_info_nce(logits, targets, backend=backend, **arguments)

    places = jnp.asarray(logits), jnp.asarray(options["temperature"])
    for mine, wanted in zip(both(loss, *places, jitted=jitted, upstream=upstream), exact):
        close(mine, wanted, 1e-7 if form == "dense32" else 1e-12)
    close(loss(*places), exact[0], 1e-7 if form == "dense32" else 1e-12)


@pytest.mark.parametrize("further", [0, 3])
@pytest.mark.parametrize("backend", BACKENDS)
def test_info_nce_is_the_definition(backend: str, further: int) -> None:
    # With as many candidates as classes they are gathered, with more they are merged.
    rows = CLASSES if further == 0 else ROWS
    logits, targets = random_logits(rows), random_targets("labels", rows)
    more = random_targets("labels", further, seed=5)
    written = written_out(np.concatenate((targets, more)))
    options = everything(len(written), rows)
    exact = reduced(with_oracle(logits, written, options), "mean", options["row_weights"])
    tau = jnp.asarray(options.pop("temperature"))
    forms = [targets, np.eye(CLASSES)[targets], sj.MixedTargets.hard(targets, CLASSES)]
    for form in forms:

        def loss(logits: Any, tau: Any, form: Any = form) -> Any:
            return sj.info_nce(logits, form, candidates=more, temperature=tau, backend=backend, **options)

        for mine, wanted in zip(both(loss, jnp.asarray(logits), tau), exact):
            close(mine, wanted, 1e-12)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("form", FORMS)
def test_cross_entropy_is_the_definition(form: str, reduction: str) -> None:
    backend, jitted = PATHS[(FORMS.index(form) + 2 * REDUCTIONS.index(reduction)) % len(PATHS)]
    logits, targets = random_logits(), random_targets(form)
    weights = np.append(0.0, random(4).random(ROWS - 1) + 0.2)
    upstream = random(8).standard_normal(ROWS) if reduction == "none" else 0.3
    exact = reduced(cross_entropy(logits, written_out(targets), 1.7), reduction, weights, upstream)

    def loss(logits: Any, tau: Any) -> Any:
        options: Dict[str, Any] = {"row_weights": weights, "temperature": tau, "reduction": reduction}
        return sj.soft_target_cross_entropy(logits, targets, backend=backend, **options)

    found = both(loss, jnp.asarray(logits), jnp.asarray(1.7), jitted=jitted, upstream=upstream)
    for mine, wanted in zip(found, exact):
        close(mine, wanted, 1e-7 if form == "dense32" else 1e-12)


# Some hold one lambda for the whole batch, of which the kernels warn.
@pytest.mark.filterwarnings("ignore:all rows are mixed with one lambda")
@pytest.mark.parametrize("path", golden_files(), ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    facts, arrays = read_golden(path)
    number = golden_files().index(path)

    def loss(logits: Any) -> Any:
        return sj.soft_target_info_nce(
            logits,
            arrays["targets"],
            positives=int(facts["first_positive"]),
            noise_probs=arrays["noise_probs"],
            temperature=float(facts["temperature"]),
            backend=BACKENDS[number % 2],
        )

    value, gradient = both(loss, jnp.asarray(arrays["logits"]))
    close(value, arrays["loss"].reshape(()), 1e-12)
    close(gradient, arrays["grad_logits"], 1e-12)


@pytest.mark.parametrize("form", ["labels", "mixed", "shares", "dense"])
@pytest.mark.parametrize("name", TOLERANCE)
def test_types_are_those_of_the_torch_package(name: str, form: str) -> None:
    logits, targets = random_logits().astype(np.float32), random_targets(form)
    array, leaf = jnp.asarray(logits, name), torch.tensor(logits, dtype=getattr(torch, name), requires_grad=True)
    given = st.MixedTargets.from_numpy(targets) if isinstance(targets, sn.MixedTargets) else torch.tensor(targets)
    for mine, theirs in (
        (sj.soft_target_info_nce, st.soft_target_info_nce),
        (sj.soft_target_cross_entropy, st.soft_target_cross_entropy),
    ):
        expected = theirs(leaf, given, temperature=0.7)
        (by_logits,) = torch.autograd.grad(expected, leaf)
        for backend in BACKENDS:

            def loss(logits: Any, mine: Any = mine, backend: str = backend) -> Any:
                return mine(logits, targets, temperature=0.7, backend=backend)

            value, gradient = both(loss, array)
            assert (value.dtype, gradient.dtype) == (str(expected.dtype)[6:], array.dtype)
            close(value, expected.item(), TOLERANCE["float64" if name == "float64" else "float32"])
            close(gradient, by_logits.double().numpy(), TOLERANCE[name])


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_double_precision(backend: str) -> None:
    with jax.enable_x64(False):
        for form in ("labels", "mixed", "dense"):
            logits, targets = random_logits(), random_targets(form)
            exact = reduced(info_nce(logits, written_out(targets)), "mean")
            found = both(lambda z, t=targets: sj.soft_target_info_nce(z, t, backend=backend), jnp.asarray(logits))
            assert found[0].dtype == found[1].dtype == jnp.float32
            for mine, wanted in zip(found, exact):
                close(mine, wanted, TOLERANCE["float32"])


@pytest.mark.parametrize("form", ["labels", "mixed", "dense"])
def test_large_scores(form: str) -> None:
    for case in large_scores():
        targets: Any = sn.MixedTargets.compact(
            case.targets.uniform, case.targets.classes.numpy(), case.targets.weights.numpy(), case.targets.num_classes
        )
        if form != "mixed":
            targets = targets.classes[:, 0] if form == "labels" else targets.dense(np.float64)
        wide, written = case.logits.double().numpy(), written_out(targets, case.targets.num_classes)
        exact = info_nce(wide, written, tau=case.temperature)
        # In the definition the logarithm of the sum would be lost beside the scores.
        critic = wide / case.temperature @ written.T
        relative = critic - critic.max(1, keepdims=True)
        losses = np.log(np.exp(relative).sum(1)) - relative.diagonal()
        coefficients = np.exp(relative - np.log(np.exp(relative).sum(1, keepdims=True))) - np.eye(len(wide))
        assert np.isfinite(exact.losses).all()
        array = jnp.asarray(case.logits.float().numpy(), str(case.logits.dtype)[6:])

        def loss(logits: Any, targets: Any = targets, tau: float = case.temperature) -> Any:
            return sj.soft_target_info_nce(logits, targets, temperature=tau, reduction="sum", backend="jax")

        value, gradient = both(loss, array)
        close(value, losses.sum(), 1e-5)
        off = np.abs(np.asarray(gradient, np.float64) * case.temperature - coefficients @ written).max()
        assert off <= case.tolerance


@pytest.mark.parametrize("backend", BACKENDS)
def test_own_class_gradient_lives_where_the_probability_nears_one(backend: str) -> None:
    # Gradients of some 1e-8, beside which a probability in single precision is 1.
    logits, labels = np.array([[18.0, 0.0, 0.0], [0.0, 17.0, 0.0]], np.float32), [0, 1]
    exact = info_nce(logits.astype(np.float64), np.eye(3)[:2]).gradients
    for targets in (labels, np.eye(3)[:2], sj.MixedTargets.mixed(labels, labels, np.full(2, 0.25), 3)):
        options: Dict[str, Any] = {"reduction": "sum", "backend": backend, "recognise": False}
        _, gradient = both(lambda z, t=targets: sj.soft_target_info_nce(z, t, **options), jnp.asarray(logits))  # noqa: B023
        np.testing.assert_allclose(gradient[:, :2], exact[:, :2], rtol=1e-5)
    exact = cross_entropy(logits.astype(np.float64), np.eye(3)[:2]).gradients
    _, gradient = both(lambda z: sj.soft_target_cross_entropy(z, jnp.array(labels), **options), jnp.asarray(logits))
    np.testing.assert_allclose(gradient, exact, rtol=1e-5)


def test_half_precision_is_scaled_before_it_is_rounded() -> None:
    # Gradients of some 1e-8, of which float16 keeps nothing.
    logits = jnp.array([[18.0, 0.0, 0.0], [0.0, 17.0, 0.0]], jnp.float16)
    for backend in BACKENDS:
        _, gradient = both(
            lambda z, b=backend: sj.soft_target_info_nce(z, [0, 1], reduction="sum", backend=b), logits, upstream=2048.0
        )
        exact = 2048 * info_nce(np.asarray(logits, np.float64), np.eye(3)[:2]).gradients
        np.testing.assert_allclose(np.asarray(gradient, np.float64)[:, :2], exact[:, :2], rtol=4e-3)


def test_chunks_give_the_same(monkeypatch: Any) -> None:
    logits, targets = jnp.asarray(random_logits()), random_targets("mixed")

    def loss(logits: Any, tau: Any) -> Any:
        return sj.soft_target_info_nce(logits, targets, temperature=tau, backend="jax")

    whole = both(loss, logits, jnp.asarray(0.7))
    # Two rows at once, of seven.
    monkeypatch.setattr(_plain, "CHUNK", 2 * ROWS)
    jax.clear_caches()
    for mine, wanted in zip(both(loss, logits, jnp.asarray(0.7)), whole):
        close(mine, np.asarray(wanted), 1e-14)
    jax.clear_caches()


def test_no_array_has_an_entry_for_every_row_candidate_and_class() -> None:
    rows, candidates, classes = 16, 64, 128
    targets = sj.MixedTargets.mixed(np.arange(candidates), np.arange(candidates)[::-1], np.full(64, 0.3), classes)
    logits = jax.ShapeDtypeStruct((rows, classes), jnp.float32)
    compiled = jax.jit(jax.grad(lambda z: sj.soft_target_info_nce(z, targets, backend="jax"))).lower(logits).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < rows * candidates * classes * 4 / 8


def test_posterior() -> None:
    logits = random_logits().astype(np.float16)
    found = sj.posterior(jnp.asarray(logits), 0.5)
    assert found.dtype == jnp.float32
    close(found, sn.posterior(logits, 0.5), 1e-6)
    close(jax.jit(sj.posterior)(jnp.asarray(logits), jnp.asarray(1e-3)), sn.posterior(logits, 1e-3), 1e-6)


@pytest.mark.parametrize("backend", ["kernel", "jax"])
@pytest.mark.parametrize("jitted", [False, True])
def test_narrow_integers_and_counts_in_half_precision(backend: str, jitted: bool) -> None:
    def loss(logits: Any, labels: Any, times: Any) -> Any:
        return sj.info_nce(logits, labels, multiplicities=times, backend=backend)

    function = jax.jit(loss) if jitted else loss
    for dtype in ("uint8", "int8"):
        labels = jnp.array([0, 3, 5, 127], dtype)
        expected = function(jnp.eye(4, 256), labels.astype("int32"), jnp.ones(4))
        np.testing.assert_allclose(function(jnp.eye(4, 256), labels, jnp.ones(4)), expected)
    labels = jnp.arange(8192) % 10
    found = function(jnp.zeros((16, 10)), labels, jnp.ones(8192, "bfloat16"))
    np.testing.assert_allclose(found, np.log(8192), rtol=1e-5)
