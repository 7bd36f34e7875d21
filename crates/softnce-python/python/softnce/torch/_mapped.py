"""Matrices that lie in a file, of which the system keeps in memory what fits."""

from __future__ import annotations

import os
from typing import Any, Optional, Tuple

import torch
from torch import Tensor

__all__ = ["matrix"]


def matrix(path: str, rows: int, columns: int, dtype: Optional[torch.dtype], device: Any) -> Tuple[Tensor, bool]:
    """The matrix ``[rows, columns]`` in a file, and whether the file is new: then it is 0 and takes no space on disk.

    Raises:
        ValueError: the file has another size, or the device is not the CPU.
    """
    place = torch.get_default_device() if device is None else torch.device(device)
    if place.type != "cpu":
        raise ValueError(f"weight_file is given and device is {place}, expected the CPU")
    dtype = torch.get_default_dtype() if dtype is None else dtype
    expected = rows * columns * dtype.itemsize
    new = not os.path.exists(path)
    if new:
        with open(path, "xb") as file:
            file.truncate(expected)
    size = os.path.getsize(path)
    if size != expected:
        needed = f"{expected} for {rows} rows of {columns} values in {dtype}"
        raise ValueError(f"weight_file {path} has {size} bytes, expected {needed}")
    values = torch.from_file(path, shared=True, size=rows * columns, dtype=dtype, device="cpu")
    return values.view(rows, columns), new
