"""The material of a folder that can be labelled: its questions, what a model makes of them, and which to ask first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import ConfigError, DataError, UserError, named, one_of, reason
from kmidi_lab.feedback.asking import (
    LEAST,
    SCORES,
    Array,
    batch,
    disagreement,
    doubt,
    far_and_unsure,
    highest,
    information,
    margin,
)
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.questions import Guess, Question
from kmidi_lab.inference.request import Request

Refuse = Callable[[str], None]
BY_VOTES = ("bald", "committee")
_Choose = Callable[[Array, Array, NDArray[np.integer], int], tuple[NDArray[np.intp], Array]]
AMONG: dict[str, tuple[_Choose, Callable[[Array], Array]]] = {
    "information": (information, doubt),
    "far": (far_and_unsure, lambda chances: 1 + margin(chances)),
}
"""Ways that look at where an item lies among all, and the weights that they take of what the model makes of it."""
WAYS = (*SCORES, *AMONG, "surprise", *BY_VOTES)
"""Of ranking; surprise is how unlikely the label is that the material itself has."""


@dataclass(frozen=True)
class Item:
    """A question, where it lies (a file's place in the folder, and the place in the file), and what the model makes of it.

    `votes` are the chances `[K, C]` of K members, where several are compared.
    """

    question: Question
    source: str
    guess: Guess
    score: float = 0.0
    votes: NDArray[np.floating] | None = None


@dataclass(frozen=True)
class Asker:
    """How a model is asked: its request, the model, and the folder that it was read from."""

    request: type[Request[Any]]
    published: Published
    root: Path = Path()

    def __post_init__(self) -> None:
        """Raises ConfigError: nobody can label for this model."""
        if not self.request.asks_about:
            raise ConfigError(
                f"model={self.published.contract.model} has no labels to ask for; choose a model that names one of several"
            )


def material(asker: Asker, folder: Path, refuse: Refuse, without: set[str]) -> Iterator[Item]:
    """What lies in a folder and below it, each once. A link to a file elsewhere is not followed.

    Args:
        asker: whose questions they are.
        folder: is read through.
        refuse: is given a line for what can't be read.
        without: items that are not asked about.
    """
    seen = set(without)
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in asker.request.asks_about):
        try:
            if not inside(folder, path):
                raise DataError("it leads out of the folder")
            for question in asker.request.questions(path, asker.published):
                if question.item in seen:
                    continue
                seen.add(question.item)
                try:
                    item = asked_item(asker, folder, path, question)
                except UserError as error:  # the rest of its file can be asked about
                    refuse(named(folder / source_of(folder, path, question), reason(error)))
                else:
                    yield item
        except (UserError, OSError) as error:
            refuse(named(path, reason(error)))


def asked_item(asker: Asker, folder: Path, path: Path, question: Question) -> Item:
    """A question with what the model makes of it. Raises DataError: there are values in it that are no numbers."""
    guess = asker.request.asked(question, asker.published)
    values = [guess.output, guess.chances, *([] if question.vector is None else [question.vector])]
    if not all(np.isfinite(value).all() for value in values):
        raise DataError("what the model is given or answers is not finite")
    return Item(question, source_of(folder, path, question), guess)


def event_fields(question: Question, published: Published) -> dict[str, Any]:
    """What an event holds beside a label so that it can be learnt from: the file that is asked, and what it is given.

    The input is left out where it is not one vector.
    """
    fields = {"artefact": published.entry.get("exports", {}).get("onnx_sha256")}
    vector = question.vector
    return fields if vector is None else fields | {"input": [float(x) for x in vector]}


def inside(folder: Path, path: Path) -> bool:
    """Whether a path is that of a file in a folder, wherever links lead."""
    return path.resolve().is_relative_to(folder.resolve())


def source_of(folder: Path, path: Path, question: Question) -> str:
    """Where a question lies, as a row of a queue names it."""
    return f"{path.relative_to(folder)}:{question.place}" if question.place else str(path.relative_to(folder))


def check_way(by: str, count: int, diverse: bool = True) -> None:
    """Raises ConfigError: no such way to rank, one that can't do without diversity, or no count."""
    if by not in WAYS:
        raise ConfigError(one_of("queue.by", by, WAYS))
    if by in AMONG and not diverse:
        others = ", ".join(way for way in WAYS if way not in AMONG)
        raise ConfigError(
            f"queue.diverse=false is not allowed with queue.by={by}, which compares each item with those before. "
            f"Allowed: {others}. Type queue.by=margin, or leave queue.diverse out"
        )
    if count < 1:
        raise ConfigError(f"queue.count={count} must be 1 or more")


def ranked(
    items: Sequence[Item], by: str, count: int, diverse: bool = True, labelled: Array | None = None
) -> list[Item]:
    """The `count` items that asking about would teach most, the most first.

    Args:
        items: to ask about.
        by: one of WAYS.
        count: at most.
        diverse: whether they are to be unlike each other, as by AMONG they always are.
        labelled: `[L, N]` inputs whose labels are there, which AMONG counts on.

    Raises:
        ConfigError: as `check_way`, the model has only one label, or the material has none of its own to be surprised by.
    """
    check_way(by, count, diverse)
    names = items[0].guess.names
    if len(names) < 2:
        raise ConfigError(f"the model knows only {names[0]!r}; choose a model that names one of several labels")
    if by in AMONG:
        places, scores = _among(items, by, labelled, count)
        return [replace(items[i], score=float(score)) for i, score in zip(places, scores, strict=True)]
    outputs, scores = np.stack([item.guess.output for item in items]), _scores(items, by)
    count = min(count, len(items))
    order = batch(scores, outputs, count) if diverse else highest(scores, count)
    return [replace(items[i], score=float(scores[i])) for i in order]


def _among(
    items: Sequence[Item], by: str, labelled: Array | None, count: int
) -> tuple[NDArray[np.intp], NDArray[np.floating]]:
    """By the models' inputs, or by their outputs where they hear recordings; then nothing is known of what is labelled."""
    inputs = [item.question.vector for item in items if item.question.vector is not None]
    own = np.stack(inputs if len(inputs) == len(items) else [item.guess.output for item in items]).astype(float)
    known = labelled if labelled is not None and len(inputs) == len(items) else np.zeros((0, own.shape[1]))
    choose, weigh = AMONG[by]
    weights = weigh(np.stack([item.guess.chances for item in items]))
    deviation = own.std(axis=0)
    vectors = (np.concatenate([own, known]) - own.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)
    everything = np.concatenate([weights, np.full(len(known), weights.mean())])
    return choose(everything, vectors, np.arange(len(own), len(vectors)), count)


def _scores(items: Sequence[Item], by: str) -> NDArray[np.floating]:
    if by in SCORES:
        return SCORES[by](np.stack([item.guess.chances for item in items]))
    if by in BY_VOTES:
        return np.array([disagreement(item.votes) for item in items if item.votes is not None])
    given = [item.guess.given for item in items]
    if None in given:
        raise ConfigError(
            f"queue.by={by} needs material with labels of its own, such as chord charts; choose another way"
        )
    return -np.log(np.maximum(np.array(given, float), LEAST))
