"""The losses in the ``Trainer`` of Hugging Face's transformers.

The Trainer accumulates the gradients of several micro-batches before a step. It then adds their losses, and expects
each to be divided by the number of labels of the whole step. :func:`compute_loss_func` does that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Union

import torch
from torch import Tensor, nn

from softnce.torch.targets import MixedTargets

__all__ = ["compute_loss_func"]

#: The Trainer does not count class indices with this value.
_IGNORED = -100


def compute_loss_func(criterion: nn.Module) -> Callable[..., Tensor]:
    """The argument ``compute_loss_func`` of ``transformers.Trainer`` for a loss with reduction ``"sum"``::

        criterion = SoftTargetInfoNCE(reduction="sum")
        trainer = Trainer(model, arguments, train_dataset=dataset, compute_loss_func=compute_loss_func(criterion))

    The loss and gradients of a step are the mean over the rows of all its micro-batches and processes, also if these
    have different numbers of rows. With ``average_tokens_across_devices=False`` the Trainer averages the means of the
    processes instead. The candidates of a contrastive loss are the targets of one micro-batch, from all processes
    (``gather=True``); a queue adds those of earlier ones.

    The logits are ``outputs.logits``, ``outputs["logits"]``, the first entry of a tuple, or ``outputs`` itself. The
    labels of a batch are what the criterion takes as targets; they are not shifted, as causal language models need:

    - class indices ``[N]``, or of any shape with ``dim``. To ignore some, mark them with -100 and set
      ``ignore_index=-100``.
    - probabilities ``[N, d]`` from the data set or collator. The Trainer counts their N d entries, and the result is
      corrected for that. Probabilities made later, in ``training_step``, must be ``MixedTargets``.
    - ``MixedTargets`` from ``training_step``, or from the collator of a Trainer that does not evaluate: its evaluation
      gathers tensors only.

    Put the criterion into the model (``model.criterion = criterion``) if it has a queue, noise probabilities or a
    learned temperature: it then moves to the device, learns and is saved with the model. A learned temperature also
    needs ``TrainingArguments(ddp_find_unused_parameters=False)`` in several processes, because the forward pass of the
    model does not use it.

    Args:
        criterion: a loss of ``softnce.torch``, or any other module with the same call.

    Returns:
        A function of ``(outputs, labels, num_items_in_batch)``, which returns the loss, ``[]``.

    Raises:
        ValueError: the criterion has another reduction, or ignores another label than -100. The function raises it if
            ``num_items_in_batch`` is missing in training, or too small for labels that are probabilities.
        TypeError: raised by the function if it finds no logits in the outputs, or gets no labels.
    """
    reduction, ignored = getattr(criterion, "reduction", None), getattr(criterion, "ignore_index", None)
    if reduction != "sum":
        message = 'expected "sum", which is then divided by the number of rows of the whole step'
        raise ValueError(f"reduction of criterion is {reduction!r}, {message}")
    if ignored not in (None, _IGNORED):
        message = f"expected {_IGNORED} or None: the Trainer counts all other labels"
        raise ValueError(f"ignore_index of criterion is {ignored}, {message}")
    dim = getattr(criterion, "dim", None)

    def compute_loss(
        outputs: Any,
        labels: Union[None, Tensor, MixedTargets] = None,
        num_items_in_batch: Union[None, int, Tensor] = None,
    ) -> Tensor:
        logits = _logits(outputs)
        if not isinstance(labels, (Tensor, MixedTargets)):
            message = 'expected a tensor or MixedTargets under the key "labels" of each batch'
            raise TypeError(f"labels is of type {type(labels).__name__}, {message}")
        if num_items_in_batch is None:
            if torch.is_grad_enabled():
                raise ValueError("num_items_in_batch is None, expected the number of labels of the whole step")
            # The evaluation of some versions: a batch alone.
            num_items_in_batch = labels.ne(_IGNORED).sum()
        total: Tensor = criterion(logits, labels)
        return total / _rows(num_items_in_batch, labels, logits.shape[-1 if dim is None else dim])

    return compute_loss


def _logits(outputs: Any) -> Tensor:
    if isinstance(outputs, Mapping):
        found = outputs.get("logits")
    elif isinstance(outputs, (tuple, list)) and outputs:
        found = outputs[0]
    else:
        found = getattr(outputs, "logits", outputs)
    if not isinstance(found, Tensor):
        names = f" with {', '.join(map(str, outputs))}" if isinstance(outputs, Mapping) else ""
        raise TypeError(f"outputs is of type {type(outputs).__name__}{names}, expected logits")
    return found


def _rows(items: Union[int, Tensor], labels: Union[Tensor, MixedTargets], classes: int) -> Union[float, Tensor]:
    """The number of rows of a step, from the number of labels that the Trainer has counted."""
    if isinstance(items, Tensor):
        # Under DataParallel the Trainer passes a copy of the count for each device and multiplies the loss by their
        # number, or divides the count by it. The outputs here are already those of all devices.
        items = items.reshape(-1)[0] * items.numel()
    if not (isinstance(labels, Tensor) and labels.is_floating_point()):
        return items
    if items < labels.numel():
        message = f"expected at least {labels.numel()}, the entries of labels {list(labels.shape)}"
        raise ValueError(
            f"num_items_in_batch is {float(items):g}, {message}; probabilities that training_step makes after the "
            "Trainer has counted the labels must be softnce.torch.MixedTargets"
        )
    return items / classes
