"""The kernels as a custom call of XLA, for compiled functions.

XLA calls :func:`_handle` on a thread of its own with the memory of the arrays. ``jax.pure_callback`` would copy them
with JAX first, which never ends where the only thread of the device waits in the callback.

The structures are the beginnings of those in ``xla/ffi/api/c_api.h`` (``jax.ffi.include_dir()``), whose fields keep
their places: newer versions append.
"""

from __future__ import annotations

import ctypes as c
import json
from typing import Any, Optional, Tuple, Type

import jax

from softnce.jax._arrays import Array
from softnce.jax._call import LabelSide, Result, Segment, Settings
from softnce.jax._host import run
from softnce.numpy._memory import CODES, View

__all__ = ["call"]

_NAME = "softnce_loss"
#: XLA's numbers of the types that the kernels read.
_TYPES = {
    **{10: "float16", 16: "bfloat16", 11: "float32", 12: "float64"},
    **{2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "uint8", 7: "uint16", 8: "uint32", 9: "uint64"},
}
#: The oldest version of the interface that has these structures.
_VERSION = 0, 1
_METADATA = 1
_INVALID_ARGUMENT = 3


def call(settings: Settings, logits: Array, temperature: Array, side: LabelSide, result: Result) -> Result:
    """The loss of arrays that are being traced, and its gradients if the ``result`` has them: its types are those of
    this one, also how they differ between devices under ``jax.shard_map``."""
    leaves, structure = jax.tree_util.tree_flatten(side)
    places = jax.tree_util.tree_unflatten(structure, range(len(leaves)))
    types = [type_ for type_ in result if type_ is not None]
    function = jax.ffi.ffi_call(_NAME, types, vmap_method="sequential")
    return Result(*function(logits, temperature, *leaves, call=json.dumps([settings, places])))


def _structure(*fields: Tuple[str, Any]) -> Type[c.Structure]:
    return type("Structure", (c.Structure,), {"_fields_": [("size", c.c_size_t), ("extension", c.c_void_p), *fields]})


_Version: Any = _structure(("major", c.c_int), ("minor", c.c_int))
_Error: Any = _structure(("message", c.c_char_p), ("code", c.c_int))
_Make: Any = c.CFUNCTYPE(c.c_void_p, c.POINTER(_Error))
_Api: Any = _structure(("version", _Version), ("internal", c.c_void_p), ("error", _Make))
_Buffer: Any = _structure(("type", c.c_int), ("data", c.c_void_p), ("rank", c.c_int64), ("dims", c.POINTER(c.c_int64)))
_Buffers: Any = _structure(("count", c.c_int64), ("types", c.c_void_p), ("items", c.POINTER(c.POINTER(_Buffer))))


class _Text(c.Structure):
    _fields_ = (("text", c.POINTER(c.c_char)), ("length", c.c_size_t))


_Attributes: Any = _structure(
    ("count", c.c_int64), ("types", c.c_void_p), ("names", c.c_void_p), ("items", c.POINTER(c.POINTER(_Text)))
)
_Frame: Any = _structure(
    ("api", c.POINTER(_Api)),
    ("context", c.c_void_p),
    ("stage", c.c_int),
    ("arguments", _Buffers),
    ("results", _Buffers),
    ("attributes", _Attributes),
)


class _Metadata(c.Structure):
    _fields_ = (("size", c.c_size_t), ("version", _Version), ("traits", c.c_uint32))


class _Question(c.Structure):
    """What XLA asks when the handler is registered: for which version of the interface it was made."""

    _fields_ = (
        ("size", c.c_size_t),
        ("type", c.c_int),
        ("next", c.c_void_p),
        ("metadata", c.POINTER(_Metadata)),
    )


@c.CFUNCTYPE(c.c_void_p, c.POINTER(_Frame))
def _handle(pointer: Any) -> Optional[int]:
    """Answers XLA: nothing, or an error."""
    frame = pointer.contents
    if frame.extension:
        question = c.cast(frame.extension, c.POINTER(_Question)).contents
        if question.type == _METADATA:
            version = question.metadata.contents.version
            version.major, version.minor = _VERSION
            return None
    try:
        _compute(frame)
    except BaseException as error:  # noqa: B902
        text = f"{type(error).__name__}: {error}".encode()
        make = frame.api.contents.error
        return make(c.byref(_Error(c.sizeof(_Error), None, text, _INVALID_ARGUMENT)))
    return None


def _compute(frame: Any) -> None:
    text = frame.attributes.items[0].contents
    settings, places = json.loads(text.text[: text.length])
    logits, temperature, *leaves = (_view(frame.arguments.items[k].contents) for k in range(frame.arguments.count))
    segments, *others = jax.tree_util.tree_map(lambda place: leaves[place], places)
    side = LabelSide(tuple(Segment(*part) for part in segments), *others)
    outputs = [_view(frame.results.items[k].contents) for k in range(frame.results.count)]
    run(Settings(*settings), logits, temperature, side, (*outputs, None, None)[:3])


def _view(buffer: Any) -> View:
    rows, columns = (*(buffer.dims[k] for k in range(buffer.rank)), 1, 1)[:2]
    return buffer.data or 0, CODES[_TYPES[buffer.type]], rows, columns, columns, 1


jax.ffi.register_ffi_target(_NAME, jax.ffi.pycapsule(_handle), platform="cpu")
