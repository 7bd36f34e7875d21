"""timm's own training script with soft target InfoNCE in the place of soft target cross-entropy.

``train.py`` comes from https://github.com/huggingface/pytorch-image-models, in the version of the installed timm::

    python timm_train.py path/to/train.py --data-dir images --model resnet50 --num-classes 100 \\
        --mixup 0.8 --cutmix 1.0 --mixup-mode elem --smoothing 0.1

All options after the script are its own. ``--mixup-mode elem`` draws a lambda for each row: with one for the batch, as
timm draws it by default, the loss may have no finite optimum.

To change the script instead: import ``SoftTargetInfoNCE`` from ``softnce.torch`` and write it where the script makes a
``SoftTargetCrossEntropy``. Since timm 1.0.31 it calls ``create_classification_loss``; give our loss to its
``ClassificationTask`` as ``criterion``.
"""

import runpy
import sys

import timm.loss

from softnce.torch import SoftTargetInfoNCE

if __name__ == "__main__":
    # The script takes the class from here, or since timm 1.0.31 lets the factory make the loss.
    for module in (timm.loss, getattr(timm.loss, "_loss_factory", None)):
        if module is not None:
            module.SoftTargetCrossEntropy = SoftTargetInfoNCE
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
