"""Translates the docstrings of the sources, which ``help()`` and editors show as they are, to Markdown."""

from __future__ import annotations

import re
from typing import Any

import griffe


def markdown(text: str) -> str:
    """Roles like :class:`softnce.torch.InfoNCE` become links, and two colons before a code block become one."""
    text = re.sub(r":(?:class|func|mod):`(softnce[\w.]*)`", r"[`\1`][\1]", text)
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text)
    return re.sub(r"::$", ":", text, flags=re.MULTILINE)


class Roles(griffe.Extension):
    """An extension of Griffe."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for everything that is read."""
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value)
