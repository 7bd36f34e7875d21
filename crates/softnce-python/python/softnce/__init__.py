"""Soft target InfoNCE and its family.

The loss of Hugger and Uhlmann ("Towards noise contrastive estimation with soft targets for conditional models",
arXiv 2404.14076) lets noise contrastive estimation use probabilistic targets: label smoothing, MixUp, CutMix, distilled
and human label distributions. It takes the place of soft target cross-entropy in any classifier.

- ``softnce.torch``: the losses as PyTorch modules and functions.
- ``softnce.data``: MixUp and CutMix with one weight a row.
- ``softnce.head``: a linear head for any number of classes, whose logits are never formed.
- ``softnce.numpy``: the losses on arrays; PyTorch is not needed.
"""

import os

from softnce import _native

__all__ = ["__version__", "num_threads", "set_num_threads"]

__version__: str = _native.__version__


def set_num_threads(threads: int) -> None:
    """Sets how many threads the kernels use; before the first loss of the process.

    Without it they use as many as PyTorch does (``softnce.torch``), or one for each core (``softnce.numpy``).

    Raises:
        ValueError: no threads.
        RuntimeError: the kernels have started with another number.
    """
    _native.set_num_threads(threads)


def num_threads() -> int:
    """How many threads the kernels use; 0 before the first loss of the process."""
    return _native.num_threads()


if hasattr(os, "register_at_fork"):
    # A child has none of its parent's threads: there the kernels work in one of their own.
    os.register_at_fork(after_in_child=_native.after_fork)
