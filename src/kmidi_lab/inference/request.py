"""What a user may ask of a model: the base of the class that reads the keys of `predict` in its config."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.bounds import Bounded
from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.questions import Guess, Question
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.ways import Way

Answer = TypeVar("Answer")


class Request(Bounded, ABC, Generic[Answer]):
    """Base of the class that `predict._target_` names in conf/model/<m>.yaml; its constructor takes that block's keys.

    A constructor raises ConfigError for a value that is out of range, before any work is done.
    """

    config_key = "predict"

    contract: ClassVar[Contract | None] = None
    """The model's, where it is from outside the lab: `load` finds it here, without importing torch."""
    without_model: ClassVar[str | None] = None
    """What answers where no model is published; None where nothing can."""
    ways: ClassVar[tuple[Way, ...]] = ()
    """How the page asks it; without any the page leaves it out."""

    @classmethod
    def warnings(cls, published: Published) -> list[str]:
        """What whoever asks the model should know of it."""
        return published.warnings()

    @abstractmethod
    def run(self, published: Published | None, session: Session) -> Answer:
        """The answer of the model, or of what stands in for it where `published` is None; writes nothing.

        Raises:
            UserError: what is asked about can't be used.
        """

    def vector(self, published: Published) -> NDArray[np.float32] | None:
        """`[N]`, what the model is given for this question; None where that is not one vector."""
        return None

    @classmethod
    def stream(cls, published: Published, **settings: Any) -> Any:
        """The model for live use, with `push` and `reset`; without a way of its own it takes contract vectors."""
        return VectorStream(published)

    @classmethod
    def stream_settings(cls) -> tuple[str, ...]:
        """The names that `stream` takes; without a way of its own it takes none."""
        return ()

    @abstractmethod
    def show(self, answer: Answer, session: Session) -> None:
        """Prints the answer and writes its files."""

    @classmethod
    def rows(cls, answer: Answer) -> list[tuple[str, str]]:
        """The answer in words, for the page: what is told, and what it is; none where it is music to be played."""
        return []

    asks_about: ClassVar[tuple[str, ...]] = ()
    """Endings of the files that `task=queue` finds questions in; none where people can't be asked to label for it."""
    asks_by: ClassVar[str] = "margin"
    """How `task=queue` ranks where the user does not say."""

    typed_label: ClassVar[str] = ""
    """What the page asks for where a label may be typed, too; empty where `choices` are all there are."""
    tapped_label: ClassVar[bool] = False
    """Whether the label is a tempo, which can be tapped."""

    @classmethod
    def labels(cls, published: Published) -> list[str]:
        """The labels that all questions share; none where each question has its own, as `choices` gives them."""
        return []

    @classmethod
    def questions(cls, path: Path, published: Published) -> Iterator[Question]:
        """What there is to label in a file.

        Raises:
            UserError: it can't be read.
        """
        raise NotImplementedError

    @classmethod
    def asked(cls, question: Question, published: Published) -> Guess:
        """What the model makes of a question.

        Raises:
            UserError: it can't be asked.
        """
        raise NotImplementedError

    @classmethod
    def choices(cls, question: Question, guess: Guess, published: Published) -> list[str]:
        """The labels that a person can give by one key."""
        return cls.labels(published)

    @classmethod
    def checked_label(cls, text: str, published: Published) -> str:
        """A label as it is stored, however it is capitalised. Raises ConfigError: it is none of this model's."""
        allowed = cls.labels(published)
        alike = [label for label in allowed if label.casefold() == text.casefold()]
        if text not in alike and len(alike) != 1:
            raise ConfigError(one_of("label", text[:64], allowed))
        return text if text in alike else alike[0]

    @classmethod
    def alike(cls, a: str, b: str) -> bool:
        """Whether two raters' labels say the same."""
        return a == b

    @classmethod
    def heard(cls, question: Question, label: str) -> bytes | None:
        """A MIDI file of the question, with `label` as its answer where that is not empty; None where there is none."""
        return None


class VectorStream:
    """Takes one contract vector a call and keeps the model's state; starts reset, apart from every other stream."""

    def __init__(self, published: Published) -> None:
        self.contract = published.contract
        self._model = copy(published.model)
        self.reset()

    def reset(self) -> None:
        """The next call is the first of a new piece."""
        self._model.reset()

    def push(self, vector: np.ndarray) -> NDArray[np.float32]:
        """One step: `[N]` float32 to `[M]`, with N and M of the contract.

        Raises:
            ValueError: another shape.
        """
        x = np.asarray(vector, np.float32)
        if x.shape != (self.contract.input_size,):
            raise ValueError(f"a vector of shape {x.shape}; {self.contract.id} takes ({self.contract.input_size},)")
        return self._model(x)
