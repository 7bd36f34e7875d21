"""The losses for JAX.

    loss, gradient = jax.value_and_grad(softnce.jax.soft_target_info_nce)(logits, targets, noise_probs=noise)

On CPU devices the Rust kernels compute the losses, elsewhere JAX operations; ``backend`` chooses. The functions work
under ``jax.jit``, ``jax.grad``, ``jax.jvp``, ``jax.hessian``, ``jax.vmap`` (the kernels then run once for each entry)
and ``jax.shard_map``, where ``jax.lax.all_gather(targets, ..)`` gives the targets of all devices. Sums are kept in
float32, or in float64 for float64 logits, which JAX has with ``jax_enable_x64``.

Errors: shapes, types and settings are checked in every call, values as far as JAX lets them be known.

- Outside transformations, and under ``jax.grad`` alone, bad values raise a ValueError or IndexError that names the
  argument and the entry. On other devices than CPUs the call waits for the check.
- Under ``jax.jit`` and ``jax.vmap`` the kernels raise the same error when they run. JAX puts its text into a
  ``jax.errors.JaxRuntimeError`` (or a ValueError, if it has called the function before), at the latest when the result
  is needed.
- JAX operations under ``jax.jit`` and ``jax.vmap`` cannot raise: the loss and the gradients of bad values are NaN.
"""

from softnce.jax.functional import info_nce, posterior, soft_target_cross_entropy, soft_target_info_nce
from softnce.jax.targets import MixedTargets

__all__ = ["MixedTargets", "info_nce", "posterior", "soft_target_cross_entropy", "soft_target_info_nce"]
