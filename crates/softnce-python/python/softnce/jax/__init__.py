"""The losses for JAX.

    loss, gradient = jax.value_and_grad(softnce.jax.soft_target_info_nce)(logits, targets, noise_probs=noise)

Outside ``jax.jit`` and ``jax.vmap`` the Rust kernels compute the losses of arrays on CPU devices; all else is computed
by JAX operations. ``backend="kernel"`` calls the kernels from compiled functions as well, by ``jax.pure_callback``,
which needs more than one core and does not work inside ``jax.shard_map``. The functions work under ``jax.jit``,
``jax.grad``, ``jax.jvp``, ``jax.hessian``, ``jax.vmap`` (``backend="kernel"`` then runs once for each entry) and
``jax.shard_map``, where ``jax.lax.all_gather(targets, ..)`` gives the targets of all devices (their smoothing is then a
float or ``[M]``). Sums are kept in float32, or in float64 for float64 logits, which JAX has with ``jax_enable_x64``.

Errors: shapes, types and settings are checked in every call, values as far as JAX lets them be known.

- Outside transformations, and under ``jax.grad`` alone, bad values raise a ValueError or IndexError that names the
  argument and the entry. On other devices than CPUs the call waits for the check.
- JAX operations under ``jax.jit`` and ``jax.vmap`` cannot raise: the loss and the gradients of bad values are NaN.
- With ``backend="kernel"`` the kernels raise the same error there when they run. JAX puts its text into a
  ``jax.errors.JaxRuntimeError``, at the latest when the result is needed.
"""

try:
    from jax import pure_callback, shard_map  # noqa: F401
except ImportError as error:
    raise ImportError('softnce.jax needs JAX 0.8 or newer: pip install "softnce[jax]"') from error

from softnce.jax.functional import info_nce, posterior, soft_target_cross_entropy, soft_target_info_nce
from softnce.jax.targets import MixedTargets

__all__ = ["MixedTargets", "info_nce", "posterior", "soft_target_cross_entropy", "soft_target_info_nce"]
