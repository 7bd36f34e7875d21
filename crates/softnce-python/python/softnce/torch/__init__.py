"""The losses for PyTorch.

Modules take the place of ``torch.nn.CrossEntropyLoss`` and timm's ``SoftTargetCrossEntropy`` in one line::

    criterion = softnce.torch.SoftTargetInfoNCE(noise_counts=class_counts)
    loss = criterion(model(pictures), targets)

Tensors on the CPU go through the Rust kernels, on their own memory; others through PyTorch operations on their device.
"""

from softnce.torch.functional import info_nce, soft_target_cross_entropy, soft_target_info_nce
from softnce.torch.modules import InfoNCE, SoftTargetCrossEntropy, SoftTargetInfoNCE
from softnce.torch.queue import TargetQueue
from softnce.torch.targets import MixedTargets

__all__ = [
    "InfoNCE",
    "MixedTargets",
    "SoftTargetCrossEntropy",
    "SoftTargetInfoNCE",
    "TargetQueue",
    "info_nce",
    "soft_target_cross_entropy",
    "soft_target_info_nce",
]
