"""The losses on NumPy arrays, without PyTorch.

    loss, gradient, _ = softnce.numpy.soft_target_info_nce_and_gradient(logits, targets, noise_probs=noise)

The Rust kernels work on the memory of the arrays. An array is copied first if it is not aligned, not in native byte
order or has a negative stride. Logits are float16, float32, float64 or the bfloat16 of ``ml_dtypes``. Everything that
``np.asarray`` accepts is accepted: a list of integers is class indices, a list of lists of floats is probabilities.
"""

from softnce.numpy._call import Targets as Targets
from softnce.numpy._kernel import Loss as Loss
from softnce.numpy.functional import (
    LossAndGradient,
    info_nce,
    info_nce_and_gradient,
    soft_target_cross_entropy,
    soft_target_cross_entropy_and_gradient,
    soft_target_info_nce,
    soft_target_info_nce_and_gradient,
)
from softnce.numpy.head import HeadLossAndGradient, head_loss_and_gradient
from softnce.numpy.noise import noise_from_counts, posterior
from softnce.numpy.targets import MixedTargets

__all__ = [
    "HeadLossAndGradient",
    "LossAndGradient",
    "MixedTargets",
    "head_loss_and_gradient",
    "info_nce",
    "info_nce_and_gradient",
    "noise_from_counts",
    "posterior",
    "soft_target_cross_entropy",
    "soft_target_cross_entropy_and_gradient",
    "soft_target_info_nce",
    "soft_target_info_nce_and_gradient",
]
