"""The kernels on plain memory. Private: the callers vouch for the memory."""

from typing import List, Optional, Tuple

# Place, element type, rows, columns, steps between rows and between columns in elements.
_View = Tuple[int, int, int, int, int, int]
# First tensor, weights, uniform share, uniform shares, multiplicities.
_Segment = Tuple[_View, Optional[_View], float, Optional[_View], Optional[_View]]
# Loss, temperature, noise probabilities, reduction, whether dense rows are searched for compact ones.
_Settings = Tuple[str, float, Optional[_View], str, bool]
# The candidate of the first row, or those of all rows.
_Positives = Tuple[int, Optional[_View]]

# Classes, gradients with respect to features, weights and biases, each row's part of the temperature's.
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
def recognise(probabilities: _View, classes: _View, weights: _View, uniform: _View) -> Optional[int]: ...
def set_num_threads(threads: int) -> None: ...
def num_threads() -> int: ...
def start_threads(threads: int) -> None: ...
def after_fork() -> None: ...
