"""Events as lessons: what a model was given, and what its user would rather have had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contract_types import Contract
from kmidi_lab.feedback.event import Event, Numbers

Array = NDArray[np.floating]
_LARGEST_INPUT = 100.0
"""No contract has an input beyond it; one would outweigh all others in training."""
_LIKED, _DISLIKED = 4, 2
"""Ratings from, and up to."""


class LeftOutError(Exception):
    """An event that teaches nothing; the message is the reason, the same words for the same reason."""


@dataclass(frozen=True)
class Judgement:
    """What a user judged: the input `x` `[N]`, and the model's `output` `[M]`, or what was put in its place.

    Attributes:
        x: what the model was given.
        output: what it said, None where that is not what was judged.
        changed_to: numbers that were put in its place.
        label: the word that was, or that was drawn from what it said.
        liked: whether the user wants this, or anything but this.
    """

    x: Array
    output: Array | None
    changed_to: Numbers | None
    label: str | None
    liked: bool


@dataclass(frozen=True)
class Lessons:
    """E events that can be learnt from, the oldest first.

    Attributes:
        x: `[E, N]` inputs.
        targets: `[E, K]`, as the model's `FeedbackTraining` makes them.
        rater: `[E]`, index into `raters`.
        raters: their use ids.
        left_out: how many events were not usable, by reason.
        alike: whether all that were kept wish for one and the same answer.
        judged: `[E]`, the number of the judgement that each comes from; None is one each.
    """

    x: Array
    targets: Array
    rater: NDArray[np.intp]
    raters: tuple[str, ...]
    left_out: Mapping[str, int]
    alike: bool = False
    judged: NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, index: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Lessons:
        """Some of them; the raters stay."""
        return Lessons(
            self.x[index], self.targets[index], self.rater[index], self.raters, self.left_out, self.alike,
            self.judgement[index],
        )  # fmt: skip

    @property
    def judgement(self) -> NDArray[np.intp]:
        """`[E]`, `judged` spelt out; the numbers rise with the first event of each."""
        return np.arange(len(self)) if self.judged is None else self.judged

    @property
    def item(self) -> NDArray[np.intp]:
        """`[E]`, the number of what was judged: events have one in common where the model was given the same, bit by bit.

        A recording is heard once, so its SHA-256 stands for its input; so does that of a text for its vector.
        """
        seen: dict[bytes, int] = {}
        return np.array([seen.setdefault(row, len(seen)) for row in rows_of(self.x)], np.intp)

    @property
    def judgements(self) -> int:
        """How many there are: what a song was rated as a whole, say, is one, however many chords it has."""
        return len(np.unique(self.judgement))

    @property
    def counted(self) -> str:
        """What is said behind their number where they count as fewer."""
        fewer = self.judgements < len(self)
        return f"; they count as {self.judgements}: those of one rated song as one" if fewer else ""

    @property
    def weights(self) -> Array:
        """`[E]`, 1 for each judgement, shared by its events, of which it says little one by one."""
        _, place, count = np.unique(self.judgement, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / count[place]) if len(self) else np.zeros(0)


def rows_of(x: Array) -> list[bytes]:
    """Of `[E, N]` the bytes of each row in single precision: alike where all numbers are; 0 and -0 are one."""
    return [row.tobytes() for row in np.asarray(x, np.float32) + np.float32(0)]


def among(x: Array, others: Array) -> NDArray[np.bool_]:
    """`[E]`: which rows of `[E, N]` are rows of `[T, N]`, number for number."""
    there = set(rows_of(others))
    return np.array([row in there for row in rows_of(x)], bool)


Targets = Callable[[Array, NDArray[np.bool_], Array], Array]


def read_lessons(
    events: Iterable[Event],
    contract: Contract,
    hashes: Collection[str],
    answer: Callable[[Judgement], Array],
    targets: Targets,
    rejections: bool,
    input_of: Callable[[Event], Array] | None = None,
) -> Lessons:
    """What can be learnt from events.

    Args:
        events: of any model.
        contract: of the model that learns.
        hashes: SHA-256 of the files that answer as it does; what another file said can't be judged here.
        answer: makes one array of what was judged, or raises LeftOutError.
        targets: makes `[E, K]` of the answers `[E, A]`, whether they are liked `[E]`, and the inputs `[E, N]`.
        rejections: whether the model learns from what a user does not like.
        input_of: gives what was judged as an input `[N]`, or raises LeftOutError; None takes it from the event.
    """
    given = input_of or (lambda event: _held(event, contract.input_size))
    left_out: Counter[str] = Counter()
    judged: list[tuple[Event, Judgement, Array]] = []
    for event in sorted(events, key=lambda e: (e.time, e.event)):
        try:
            if event.model != contract.model:
                raise LeftOutError("of another model")
            one = _judged(event, given(event), contract, hashes)
            judged.append((event, one, answer(one)))
        except LeftOutError as error:
            left_out[str(error)] += 1
    against = Counter((event.use, one.x.tobytes(), array.tobytes(), one.liked) for event, one, array in judged)
    kept: list[tuple[Event, Judgement, Array]] = []
    for event, one, array in judged:
        same = event.use, one.x.tobytes(), array.tobytes()
        if against[*same, not one.liked] > 0:  # each cancels one, the oldest first
            against[*same, not one.liked] -= 1
            left_out["liked and disliked by the same user"] += 1
        elif not (one.liked or rejections):
            left_out["rejected, which says nothing of what would be better"] += 1
        else:
            kept.append((event, one, array))
    raters = tuple(dict.fromkeys(event.use for event, _, _ in kept))
    x = np.array([one.x for _, one, _ in kept], np.float32) if kept else np.zeros((0, contract.input_size), np.float32)
    liked = np.array([one.liked for _, one, _ in kept], bool)
    made = targets(np.array([array for _, _, array in kept]), liked, x) if kept else np.zeros((0, 0))
    rater = np.array([raters.index(event.use) for event, _, _ in kept], np.intp)
    alike = len(kept) > 1 and bool(liked.all()) and len({array.tobytes() for _, _, array in kept}) == 1
    of = [(event.use, event.choices.get("song", event.event)) for event, _, _ in kept]
    numbers = {one: number for number, one in enumerate(dict.fromkeys(of))}
    judgement = np.array([numbers[one] for one in of], np.intp)
    return Lessons(x, made, rater, raters, dict(sorted(left_out.items())), alike, judgement)


ALIKE = "  all of them wish for the same answer, so what is learnt is to give it everywhere; feedback should hold others, too"
"""What is said of such lessons."""


def _held(event: Event, size: int) -> Array:
    """The input `[size]` that an event holds. Raises LeftOutError: not all of it, or one that no contract has."""
    x = _vector(event.input, size)
    if x is None:
        raise LeftOutError(f"without all {size} numbers of the input")
    if float(np.abs(x).max()) > _LARGEST_INPUT:
        raise LeftOutError(f"with an input beyond ±{_LARGEST_INPUT:g}")
    return x


def _judged(event: Event, x: Array, contract: Contract, hashes: Collection[str]) -> Judgement:
    if event.label is not None or event.changed_to is not None:
        return Judgement(x, None, event.changed_to, event.label, True)
    chosen, output = event.choices.get("chosen"), None
    if chosen is None:
        if event.artefact is not None and event.artefact not in hashes:
            raise LeftOutError("about what another file said")
        output = _vector(event.output, contract.output_size)
        if output is None:
            raise LeftOutError(f"without all {contract.output_size} numbers of the output")
    if event.action == "rated" and _DISLIKED < (event.rating or 0) < _LIKED:
        raise LeftOutError("rated neither good nor bad")
    liked = event.action == "accepted" or (event.action == "rated" and (event.rating or 0) >= _LIKED)
    return Judgement(x, output, None, chosen, liked)


def _vector(numbers: Numbers | None, size: int) -> Array | None:
    if not isinstance(numbers, Sequence) or len(numbers) != size:
        return None
    vector = np.array(numbers, np.float32)
    return vector if np.isfinite(vector).all() else None
