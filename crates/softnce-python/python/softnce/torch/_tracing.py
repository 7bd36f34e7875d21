"""Keeps functions out of ``torch.compile``, without importing the compiler."""

from __future__ import annotations

import functools
from typing import Any, Callable, TypeVar

import torch
from torch._compile import _disable_dynamo

__all__ = ["untraced"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def untraced(function: _Function) -> _Function:
    """A function that ``torch.compile`` calls and does not trace.

    ``torch.compiler.disable`` does the same, but as a decorator it imports Dynamo and Inductor together with the module
    (1.5 s, 150 MiB). PyTorch's own modules use the lazy form as well.
    """
    disabled = _disable_dynamo(function)

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        if torch.compiler.is_compiling():
            return disabled(*arguments, **options)
        return function(*arguments, **options)

    return call  # type: ignore[return-value]
