"""Checks settings: numbers, integers, shares and names. An error names the setting, its value and what was expected."""

from __future__ import annotations

import operator
from typing import Any, Optional, Sequence

__all__ = ["choice", "flag", "integer", "number", "optional_integer", "share"]


def number(argument: str, value: Any, expected: str = "a number") -> float:
    """A single number of any numeric type; no text, no truth value."""
    try:
        if isinstance(value, (bool, str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{argument} is {value!r}, expected {expected}") from None


def integer(argument: str, value: Any, least: Optional[int] = 1) -> int:
    """An integer of any integer type, also NumPy's; no truth value."""
    try:
        if isinstance(value, bool):
            raise TypeError
        whole = operator.index(value)
    except TypeError:
        raise TypeError(f"{argument} is {value!r}, expected an integer") from None
    if least is not None and whole < least:
        raise ValueError(f"{argument} is {whole}, expected at least {least}")
    return whole


def share(argument: str, value: Any) -> float:
    """A number from 0 to 1."""
    part = number(argument, value)
    if not 0.0 <= part <= 1.0:
        raise ValueError(f"{argument} is {part}, expected a share from 0 to 1")
    return part


def optional_integer(argument: str, value: Any) -> Optional[int]:
    """An integer of any sign, or None."""
    return None if value is None else integer(argument, value, None)


def flag(argument: str, value: Any) -> bool:
    """True or False, also NumPy's."""
    if not (isinstance(value, bool) or getattr(value, "dtype", None) == "bool"):
        raise TypeError(f"{argument} is {value!r}, expected True or False")
    return bool(value)


def choice(argument: str, value: Any, known: Sequence[Any]) -> None:
    """One of the known values."""
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{argument} is {value!r}, expected one of {', '.join(map(repr, known))}")
