"""The losses for PyTorch.

The modules replace ``torch.nn.CrossEntropyLoss`` and timm's ``SoftTargetCrossEntropy`` in one line::

    criterion = softnce.torch.SoftTargetInfoNCE(noise_counts=class_counts)
    loss = criterion(model(images), targets)

On the CPU the Rust kernels work on the memory of the tensors. On other devices the losses run as PyTorch operations.
"""

from softnce.torch import _containers
from softnce.torch.classes import ClassCandidates
from softnce.torch.functional import info_nce, soft_target_cross_entropy, soft_target_info_nce
from softnce.torch.modules import InfoNCE, SoftTargetCrossEntropy, SoftTargetInfoNCE
from softnce.torch.queue import TargetQueue
from softnce.torch.targets import MixedTargets

_containers.register()

__all__ = [
    "ClassCandidates",
    "InfoNCE",
    "MixedTargets",
    "SoftTargetCrossEntropy",
    "SoftTargetInfoNCE",
    "TargetQueue",
    "info_nce",
    "soft_target_cross_entropy",
    "soft_target_info_nce",
]
