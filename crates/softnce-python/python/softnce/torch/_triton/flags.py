"""Problems that kernels find, reported without waiting for the device.

Each device has a few words of page-locked host memory. A kernel that finds a problem stores 1 in the word of the
problem and makes the loss NaN. The host reads the words at the start of the next call, without a call of the driver.
Storing needs no atomic operation, because all kernels store the same value.
"""

from __future__ import annotations

import ctypes
from typing import Dict, List, NamedTuple, Type

import torch
from torch import Tensor

__all__ = ["LAMBDA", "PROBLEMS", "VERDICTS", "VERDICT_COUNT", "check", "clear", "poll", "take", "words"]


class Problem(NamedTuple):
    """What is wrong, and how it is reported."""

    error: Type[Exception]
    message: str


#: The problems; the position of a problem is the number of its word, and of its bit within a kernel.
PROBLEMS = (
    Problem(ValueError, "logits holds NaN or infinite entries, or entries too far apart for their type"),
    Problem(IndexError, "targets or candidates names a class that does not exist"),
    Problem(ValueError, "targets or candidates has rows that are not probability distributions"),
    Problem(ValueError, "multiplicities has entries that are negative or not finite, or none above 0"),
    Problem(IndexError, "positives holds the index of a candidate that does not exist"),
    Problem(ValueError, "temperature is not a finite number above 0"),
    Problem(ValueError, "noise_probs has entries that are not above 0, or a sum that is not 1 within 0.0001"),
    Problem(ValueError, "row_weights has entries that are negative or not finite, or, for the mean, none above 0"),
    Problem(ValueError, "targets or candidates has rows that are not one-hot, expected hard labels for this loss"),
)
#: The word that says that all rows are mixed with one lambda: a warning and not an error.
LAMBDA = 16
#: The words that say that dense rows have no compact form.
VERDICTS, VERDICT_COUNT = 24, 8
_LENGTH = 32
_NONE = bytes(4 * LAMBDA)


class _Words(NamedTuple):
    tensor: Tensor
    address: int


_words: Dict[torch.device, _Words] = {}


def words(device: torch.device) -> Tensor:
    """The words of a device, int32 in page-locked host memory; kernels take them as any pointer."""
    return _of(device).tensor


def _of(device: torch.device) -> _Words:
    found = _words.get(device)
    if found is None:
        tensor = torch.zeros(_LENGTH, dtype=torch.int32, device="cpu", pin_memory=device.type == "cuda")
        found = _words[device] = _Words(tensor, tensor.data_ptr())
    return found


def poll(device: torch.device) -> None:
    """Raises what kernels have found so far; does not wait for the device.

    Raises:
        ValueError: a value of an earlier call was bad; the message names the argument.
        IndexError: a class index or positive of an earlier call was out of range.
    """
    held = _of(device)
    if ctypes.string_at(held.address, len(_NONE)) != _NONE:
        if not capturing(device):
            fail(device, clear(device))


def check() -> None:
    """Waits for all devices, and raises what kernels have found on them; see ``poll``."""
    for device in list(_words):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        poll(device)


def clear(device: torch.device) -> List[int]:
    """The problems found so far, which are then forgotten; does not wait for the device."""
    values = (ctypes.c_int32 * LAMBDA).from_address(_of(device).address)
    found = [number for number in range(LAMBDA) if values[number]]
    # No others: the device may set them meanwhile.
    for number in found:
        values[number] = 0
    return found


def capturing(device: torch.device) -> bool:
    """Whether a CUDA graph is being captured: then nothing may be waited for, and an error would end the capture."""
    return device.type == "cuda" and torch.cuda.is_current_stream_capturing()


def fail(device: torch.device, numbers: List[int]) -> None:
    """Raises the error of problems given by their numbers."""
    problems = [PROBLEMS[number] for number in numbers]
    error = IndexError if all(problem.error is IndexError for problem in problems) else ValueError
    found = "; ".join(problem.message for problem in problems)
    raise error(
        f"{found} (found on {device} in an earlier call, whose loss is NaN; "
        'check_values="now" raises in the call itself and names the entry)'
    )


def take(device: torch.device, number: int) -> bool:
    """Whether a word is set; it is then cleared. Does not wait for the device."""
    held = _of(device)
    word = ctypes.c_int32.from_address(held.address + 4 * number)
    if not word.value:
        return False
    word.value = 0
    return True
