"""Trains a classifier with MixUp and soft target InfoNCE in JAX: pip install "softnce[jax]" flax optax."""

from typing import Any, Dict, Tuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

import softnce.jax
from softnce.jax import MixedTargets

CLASSES = 10
keys = jax.random.split(jax.random.key(0), 4)
labels = jax.random.randint(keys[0], (512,), 0, CLASSES)
centres = jax.random.normal(keys[1], (CLASSES, 64))
images = centres[labels] + 0.5 * jax.random.normal(keys[2], (512, 64))

noise = (jnp.bincount(labels, length=CLASSES) + 1) / (len(labels) + CLASSES)
model = nn.Sequential([nn.Dense(64), nn.relu, nn.Dense(CLASSES)])
optimiser = optax.adamw(1e-2)
Parameters = Dict[str, Any]


@jax.jit
def step(parameters: Parameters, state: Any, key: jax.Array) -> Tuple[Parameters, Any, jax.Array]:
    pick, share = jax.random.split(key)
    rows = jax.random.choice(pick, len(labels), (128,), replace=False)
    lam = jax.random.beta(share, 0.8, 0.8, (128,))  # one lambda per row
    mixed = lam[:, None] * images[rows] + (1 - lam)[:, None] * images[rows][::-1]
    targets = MixedTargets.mixed(labels[rows], labels[rows][::-1], lam, CLASSES, smoothing=0.1)

    def loss(parameters: Parameters) -> jax.Array:
        return softnce.jax.soft_target_info_nce(model.apply(parameters, mixed), targets, noise_probs=noise)

    value, gradients = jax.value_and_grad(loss)(parameters)
    updates, state = optimiser.update(gradients, state, parameters)
    return optax.apply_updates(parameters, updates), state, value


parameters = model.init(keys[3], images[:1])
state = optimiser.init(parameters)
for key in jax.random.split(jax.random.key(1), 80):
    parameters, state, _ = step(parameters, state, key)

posterior = softnce.jax.posterior(model.apply(parameters, images))
print(f"accuracy {(posterior.argmax(1) == labels).mean():.3f}")
