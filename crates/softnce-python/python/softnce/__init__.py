"""Soft target InfoNCE and its family.

The loss of Hugger and Uhlmann ("Towards noise contrastive estimation with soft targets for conditional models",
arXiv 2404.14076) lets noise contrastive estimation use probabilistic targets: label smoothing, MixUp, CutMix, distilled
and human label distributions. It replaces soft target cross-entropy in any classifier.

- ``softnce.torch``: the losses as PyTorch modules and functions.
- ``softnce.data``: MixUp and CutMix with one lambda per row.
- ``softnce.head``: a linear head for any number of classes that never materialises its logits.
- ``softnce.numpy``: the losses on arrays, without PyTorch.
"""

import os

from softnce import _native

__all__ = ["__version__", "num_threads", "set_num_threads"]

__version__: str = _native.__version__


def set_num_threads(threads: int) -> None:
    """Sets the number of threads of the kernels. Call it before the first loss of the process.

    By default the kernels use as many threads as PyTorch (``softnce.torch``) or one per core (``softnce.numpy``).

    Raises:
        ValueError: ``threads`` is below 1.
        RuntimeError: the kernels already run with another number of threads.
    """
    _native.set_num_threads(threads)


def num_threads() -> int:
    """The number of threads of the kernels; 0 before the first loss of the process."""
    return _native.num_threads()


if hasattr(os, "register_at_fork"):
    # A forked child does not have its parent's threads: there the kernels run on one new thread.
    os.register_at_fork(after_in_child=_native.after_fork)
