"""Soft target InfoNCE and its family.

The loss of Hugger and Uhlmann ("Towards noise contrastive estimation with soft targets for conditional models",
arXiv 2404.14076) lets noise contrastive estimation use probabilistic targets: label smoothing, MixUp, CutMix, distilled
and human label distributions. It replaces soft target cross-entropy in any classifier.

- ``softnce.torch``: the losses as PyTorch modules and functions.
- ``softnce.data``: MixUp and CutMix with one lambda per row.
- ``softnce.head``: a linear head for any number of classes that never materialises its logits.
- ``softnce.huggingface``: the losses in the Trainer of Hugging Face's transformers.
- ``softnce.jax``: the losses for JAX.
- ``softnce.numpy``: the losses on arrays, without PyTorch.
"""

import os
from typing import Optional

from softnce import _native

__all__ = ["__version__", "num_threads", "set_num_threads"]

__version__: str = _native.__version__


def set_num_threads(threads: Optional[int]) -> None:
    """Sets the number of threads of the kernels, from now on.

    By default, and after ``set_num_threads(None)``, the kernels use as many threads as PyTorch
    (``softnce.torch``; ``torch.set_num_threads`` changes it at any time), or the number in the environment variables
    ``RAYON_NUM_THREADS`` or ``OMP_NUM_THREADS``, else one per core (``softnce.numpy``). Results do not depend on the
    number of threads.

    Raises:
        ValueError: ``threads`` is below 1.
    """
    _native.set_num_threads(threads)


def num_threads() -> int:
    """The number of threads of the kernels; 0 before the first loss of the process unless one was set."""
    return _native.num_threads()


if hasattr(os, "register_at_fork"):
    # A forked child does not have its parent's threads: there the kernels run on the calling thread.
    os.register_at_fork(after_in_child=_native.after_fork)
