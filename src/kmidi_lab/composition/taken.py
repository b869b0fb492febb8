"""A line of what a text or an intent asked for: taken, or not used and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Taken:
    """A line of what a text or an intent asked for: `what` and `value`, and why it is not used; empty where it is."""

    what: str
    value: str
    said: str
    unused: str = ""
    source: str = "the text"

    def __str__(self) -> str:
        said = f" ({self.said})" if self.said and self.said not in self.value.lower() else ""
        name = " ".join(filter(None, (self.what, self.value, f"from {self.source}{said}")))
        return f"{name} is not used: {self.unused}" if self.unused else name

    def record(self) -> dict[str, str]:
        """For the song's JSON file."""
        return {"what": self.what, "value": self.value, "words": self.said, "unused": self.unused}


def reasons(outside: str, typed: Mapping[str, Any], names: tuple[str, ...], known: object) -> Iterator[str]:
    """Why something is not used, the most important first."""
    for name in names:
        if typed.get(name) is not None:
            yield f"compose.{name}={typed[name]} was typed"
    if outside:
        yield outside
    if known:
        yield f"the intent says {known}"
