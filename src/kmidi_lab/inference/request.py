"""What a user asks of one model: the keys of `predict` in its config, as an object that checks, answers and shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from kmidi_lab.bounds import Bounded
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.stream import VectorStream

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Session:
    """Where a request is answered.

    Args:
        model: its short name, such as harmony.
        folder: what is shown is written there.
        cache_dir: prepared data, which a rhythm may come from.
        seed: of what is drawn.
        say: prints a line and returns False when nobody reads it any more; the Python API says nothing.
    """

    model: str
    folder: Path
    cache_dir: Path
    seed: int = 1
    say: Callable[[str], bool] = lambda line: True


class Request(Bounded, ABC, Generic[Answer]):
    """Base of the class that `predict._target_` names in conf/model/<m>.yaml; its constructor takes that block's keys.

    A constructor raises ConfigError for a value that is out of range, before any work is done.
    """

    config_key = "predict"

    without_model: ClassVar[str | None] = None
    """What answers where no model is published; None where nothing can."""

    @abstractmethod
    def run(self, published: Published | None, session: Session) -> Answer:
        """The answer of the model, or of what stands in for it where `published` is None; writes nothing.

        Raises:
            UserError: what is asked about can't be used.
        """

    @classmethod
    def stream(cls, published: Published, **settings: Any) -> Any:
        """The model for live use, with `push` and `reset`; without a way of its own it takes contract vectors."""
        return VectorStream(published, **settings)

    @abstractmethod
    def show(self, answer: Answer, session: Session) -> None:
        """Prints the answer and writes its files."""
