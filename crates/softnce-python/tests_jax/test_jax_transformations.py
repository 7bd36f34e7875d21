"""The losses under the transformations of JAX."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from jax.test_util import check_grads

import softnce.jax as sj
import softnce.numpy as sn
from numpy_reference import ROWS, close, everything, random_logits, random_targets

BACKENDS = ["kernel", "jax", "auto"]
LOSSES = {
    "labels": (sj.soft_target_info_nce, random_targets("labels"), True),
    "mixed": (sj.soft_target_info_nce, random_targets("mixed"), True),
    "shares": (sj.soft_target_info_nce, random_targets("shares"), True),
    "dense": (sj.soft_target_info_nce, random_targets("dense"), True),
    "infonce": (sj.info_nce, random_targets("labels"), True),
    "cross-entropy of labels": (sj.soft_target_cross_entropy, random_targets("labels"), False),
    "cross-entropy of mixed": (sj.soft_target_cross_entropy, random_targets("mixed"), False),
}


def case(name: str, backend: str, **more: Any) -> Any:
    function, targets, contrastive = LOSSES[name]
    options = everything(ROWS)
    del options["temperature"]
    options = options if contrastive else {"row_weights": options["row_weights"]}
    return lambda logits, tau: function(logits, targets, temperature=tau, backend=backend, **options, **more)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_derivatives_are_differences(name: str, reduction: str) -> None:
    backend = BACKENDS[len(name + reduction) % 2]
    places = jnp.asarray(random_logits()), jnp.asarray(0.8)
    # Also second derivatives, forwards over backwards and all other orders.
    check_grads(case(name, backend, reduction=reduction), places, order=2, rtol=1e-5, atol=1e-5, eps=1e-5)


def test_second_derivatives_of_the_kernels_are_those_of_jax() -> None:
    logits = jnp.asarray(random_logits())
    one, other = (jax.jit(jax.hessian(lambda z, b=b: case("mixed", b)(z, 0.8)))(logits) for b in ("auto", "jax"))
    assert jnp.abs(one).max() > 1e-3
    close(one, np.asarray(other), 1e-13)
    # A third derivative.
    third = jax.jvp(jax.hessian(lambda z: case("mixed", "kernel")(z, 0.8)), (logits,), (logits,))[1]
    close(third, jax.jvp(jax.hessian(lambda z: case("mixed", "jax")(z, 0.8)), (logits,), (logits,))[1], 1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_vmap(backend: str) -> None:
    logits = jnp.stack([jnp.asarray(random_logits(seed=seed)) for seed in range(3)])
    targets = [sj.MixedTargets.from_numpy(random_targets("mixed", seed=seed)) for seed in range(3)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *targets)

    def loss(logits: Any, targets: Any, tau: Any = 0.7) -> Any:
        return sj.soft_target_info_nce(logits, targets, temperature=tau, backend=backend)

    each = [jax.value_and_grad(loss)(*pair) for pair in zip(logits, targets)]
    found = jax.vmap(jax.value_and_grad(loss))(logits, stacked)
    for place in (0, 1):
        close(found[place], np.stack([pair[place] for pair in each]), 1e-14)
    # Only some arguments.
    temperatures = jnp.array([0.5, 1.0, 2.0])
    values = jax.jit(jax.vmap(loss, (None, None, 0)))(logits[0], targets[0], temperatures)
    close(values, np.stack([loss(logits[0], targets[0], tau) for tau in temperatures]), 1e-14)


@pytest.mark.parametrize("backend", BACKENDS)
def test_inside_of_loops_and_checkpoints(backend: str) -> None:
    logits, tau = jnp.asarray(random_logits()), jnp.asarray(0.7)
    loss = case("mixed", backend)
    gradient = jax.grad(loss)(logits, tau)
    close(jax.grad(jax.checkpoint(loss))(logits, tau), np.asarray(gradient), 1e-14)

    @jax.jit
    def descend(logits: Any) -> Any:
        return jax.lax.scan(lambda z, _: (z - jax.grad(loss)(z, tau), loss(z, tau)), logits, length=4)[1]

    values = descend(logits)
    close(values[0], np.asarray(loss(logits, tau)), 1e-14)
    assert (jnp.diff(values) < 0).all()


def rows_of_one_device(backend: str) -> Any:
    """Loss and gradient of the rows of one device, whose candidates are the targets of all."""

    def both(logits: Any, targets: Any) -> Any:
        everyone = jax.lax.all_gather(targets, "rows", tiled=True)
        first = jax.lax.axis_index("rows") * len(logits)

        def loss(logits: Any) -> Any:
            return sj.soft_target_info_nce(logits, everyone, positives=first, backend=backend)

        value, gradient = jax.value_and_grad(loss)(logits)
        return jax.lax.pmean(value, "rows"), gradient / 2

    return both


@pytest.mark.parametrize("backend", ["auto", "jax"])
def test_devices_with_parts_of_the_batch(backend: str) -> None:
    logits, targets = random_logits(8), random_targets("mixed", 8)
    expected = sn.soft_target_info_nce_and_gradient(logits, targets)
    rows = sj.MixedTargets.from_numpy(targets)
    mesh = jax.make_mesh((2,), ("rows",), axis_types=(AxisType.Auto,))
    mapped = jax.shard_map(
        rows_of_one_device(backend), mesh=mesh, in_specs=(P("rows"), P("rows")), out_specs=(P(), P("rows"))
    )
    for mine, wanted in zip(jax.jit(mapped)(logits, rows), expected):
        close(mine, wanted, 1e-13)
    split = jax.tree.map(lambda leaf: leaf.reshape(2, 4, *leaf.shape[1:]), rows)
    value, gradient = jax.pmap(rows_of_one_device(backend), axis_name="rows")(logits.reshape(2, 4, -1), split)
    close(value, np.full(2, expected.loss), 1e-13)
    close(gradient.reshape(8, -1), expected.logits_gradient, 1e-13)


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit])
@pytest.mark.parametrize("backend", BACKENDS)
def test_arrays_that_are_split_over_devices(backend: str, kind: AxisType) -> None:
    if kind == AxisType.Explicit and jax.__version_info__ < (0, 10):
        pytest.skip("needs JAX 0.10")
    logits, targets = random_logits(8), random_targets("mixed", 8)
    expected = sn.soft_target_info_nce_and_gradient(logits, targets)
    mesh = jax.make_mesh((2,), ("rows",), axis_types=(kind,))
    rows = jax.device_put(logits, NamedSharding(mesh, P("rows")))
    # With explicit sharding the targets must be on all devices, as candidates of all rows.
    place = P("rows") if kind == AxisType.Auto else P()
    split = jax.device_put(sj.MixedTargets.from_numpy(targets), NamedSharding(mesh, place))
    found = jax.jit(jax.value_and_grad(lambda z, t: sj.soft_target_info_nce(z, t, backend=backend)))(rows, split)
    for mine, wanted in zip(found, expected):
        close(mine, wanted, 1e-13)
    assert found[1].sharding.is_equivalent_to(rows.sharding, 2) or kind == AxisType.Auto


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_other_devices_compute_with_jax_operations(platform: str) -> None:
    loss = jax.jit(jax.value_and_grad(case("mixed", "auto"), (0, 1)))
    traced = loss.trace(jnp.asarray(random_logits(), jnp.float32), jnp.asarray(0.7, jnp.float32))
    assert "custom_call" not in traced.lower(lowering_platforms=(platform,)).as_text()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not choose cores")
def test_one_core_is_enough() -> None:
    # jax.pure_callback (backend="kernel") hangs here: it waits for a copy that the only thread would have to make.
    program = """
import os
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
import jax, softnce.jax
logits, labels = jax.random.normal(jax.random.key(0), (1024, 4096)), jax.numpy.arange(1024)
targets = softnce.jax.MixedTargets.mixed(labels, labels[::-1], jax.numpy.linspace(0, 1, 1024), 4096)
step = jax.jit(jax.value_and_grad(lambda z: softnce.jax.soft_target_info_nce(2 * z, targets)))
for _ in range(5):
    loss, gradient = step(logits)
    logits = logits - gradient
print(float(loss))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=240, text=True)
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout) < np.log(1024) + 2
