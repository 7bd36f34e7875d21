"""The kernels on raw memory. Private: the caller guarantees that the memory is valid during the call."""

from typing import List, Optional, Tuple

# Address, element type, rows, columns, row stride and column stride in elements.
_View = Tuple[int, int, int, int, int, int]
# First tensor, weights, uniform share, uniform shares, multiplicities.
_Segment = Tuple[_View, Optional[_View], float, Optional[_View], Optional[_View]]
# Loss, temperature, noise probabilities, reduction, whether to search dense rows for a compact form.
_Settings = Tuple[str, float, Optional[_View], str, bool]
# Index of the first row's positive, or the positives of all rows.
_Positives = Tuple[int, Optional[_View]]
# Of a queue: classes, weights, uniform shares, counts, the slot of the next row.
_Queue = Tuple[_View, _View, _View, _View, _View]

# Classes; gradients with respect to features, weights and biases; each row's part of the temperature's gradient.
_Gradients = Tuple[bytearray, bytearray, bytearray, Optional[bytearray], bytearray]

__version__: str
INSTRUCTIONS: str

def loss(
    settings: _Settings,
    logits: _View,
    segments: List[_Segment],
    positives: _Positives,
    row_weights: Optional[_View],
    scale: float,
    outputs: Tuple[_View, Optional[_View], Optional[_View]],
) -> List[str]: ...
def head(
    settings: _Settings,
    arrays: Tuple[_View, _View, Optional[_View]],
    segments: List[_Segment],
    positives: _Positives,
    row_weights: Optional[_View],
    scale: float,
    upstream: Optional[_View],
    wanted: bool,
    value: _View,
) -> Tuple[Optional[_Gradients], List[str]]: ...
def queue_push(segment: _Segment, queue: _Queue) -> Tuple[int, bytearray]: ...
def recognise(probabilities: _View, classes: _View, weights: _View, uniform: _View) -> Optional[int]: ...
def set_num_threads(threads: Optional[int]) -> None: ...
def num_threads() -> int: ...
def follow_threads(threads: int) -> None: ...
def after_fork() -> None: ...
