"""Which optimiser makes the steps of a parameter that its rows have missed.

The registry is beside the parameters, not an attribute of them: copies and pickled parameters then are ordinary ones.
"""

from __future__ import annotations

import weakref
from typing import Any, Optional

from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

__all__ = ["before_reading", "optimizer_of", "register"]

_optimizers: Any = WeakTensorKeyDictionary()


def register(parameter: Tensor, optimizer: Any) -> None:
    """Lets an optimiser catch up the rows of a parameter. Neither of them is kept alive."""
    _optimizers[parameter] = weakref.ref(optimizer)


def optimizer_of(parameter: Tensor) -> Any:
    """The optimiser of a parameter; None if it has none, or no longer."""
    # Every call of a head asks.
    found = _optimizers.get(parameter) if len(_optimizers) else None
    return None if found is None else found()


def before_reading(parameter: Tensor, rows: Optional[Tensor], *, shared: bool = False, training: bool) -> None:
    """Brings rows up to date (all: ``rows`` is None).

    ``shared``: every worker of a group reads the same rows. ``training``: every worker makes this call.
    """
    optimizer = optimizer_of(parameter)
    if optimizer is not None:
        optimizer._before_reading(parameter, rows, shared, training)
