"""task=predict for the models that listen: a recording or live samples to readings over time, as text, JSON and a picture."""

from __future__ import annotations

import inspect
import json
from abc import abstractmethod
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Interval

from kmidi_lab.audio.front_end import Ear, PlainEar, ear
from kmidi_lab.audio.io import LONGEST_S
from kmidi_lab.audio.kind import LEAST_S, KindListener, not_taken
from kmidi_lab.audio.mel import FRAME_S, HOP, RATE, WINDOW
from kmidi_lab.errors import ConfigError
from kmidi_lab.files import sha256_file, write_atomic
from kmidi_lab.inference.listener import Frames, Listener, Read, Reading, listen
from kmidi_lab.inference.live_listening import LiveListening
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.questions import Guess, Question
from kmidi_lab.inference.recognition import Recognition
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.sound_source import STANDARD_INPUT, SoundSource
from kmidi_lab.inference.timeline import timeline_png
from kmidi_lab.streams import say
from kmidi_lab.wording import short_of

Seconds = Annotated[float, Interval(ge=FRAME_S, le=3600)]


class Listening(Request[Recognition]):
    """Base of the requests about sound: the model runs frame by frame, with its state; the mean of its outputs is read.

    Args:
        audio: a recording (WAV, FLAC, OGG, MP3, AIFF …) by name, `-` for raw little-endian float32 samples, mono, from standard
            input, or samples `[S]` in -1..1.
        rate: Hz of standard input and of samples, 8,000 to 192,000.
        every: seconds between two readings, 0.016 to 3600.

    Raises:
        ConfigError: no audio, no such file, or a number out of range.
    """

    from_onset: ClassVar[bool] = False
    """Reset the model where sound begins, at first or behind half a second of silence: for models that were trained on
    sounds without silence before them."""

    takes: ClassVar[str | None] = None
    """The kind of sound that it was trained on, `speech` or `music`: others are said to be so; None says nothing."""
    least_s: ClassVar[float] = 0.0
    """Seconds of sound that counts below which the answer is said to be unsure."""
    longest_s: ClassVar[float] = LONGEST_S
    """Seconds of the longest recording."""

    def __init__(self, audio: str | Path | Frames | None = None, rate: int = 48000, every: Seconds = 0.5) -> None:
        self.sound, self.rate, self.every = SoundSource(audio, rate, self.longest_s), rate, float(every)

    @abstractmethod
    def reader(self, published: Published) -> Read:
        """What the model's mean output says."""

    def guess(self, frame: Frames) -> Reading:
        """What the mean mel frame `[128]` says where there is no model; asked only where `without_model` says something."""
        raise NotImplementedError

    def doubt(self, summary: Reading, sounded_s: float) -> str:
        """Why the answers for the whole sound should not be relied on, beside its length and distance; empty: no doubt.

        Args:
            summary: of the whole.
            sounded_s: seconds of it that count.
        """
        return ""

    def counts(self) -> Callable[[Frames], bool]:
        """Says of one frame `[128]` after the other whether its output enters the means; all go through the model."""
        from kmidi_lab.audio.voice_activity import VoiceActivity

        return VoiceActivity()

    def hearing(self, published: Published) -> tuple[Ear, Callable[[Frames], Frames], Callable[[], None]]:
        """What hears the frames, the model's answer to the one heard last, and what is done where sound begins."""
        published.model.reset()
        hear = ear(published.contract.features, self.counts())
        onset = published.model.reset if self.from_onset else (lambda: None)
        return hear, lambda frame: published.model(hear.input), onset

    @classmethod
    def stream(cls, published: Published, **settings: Any) -> LiveListening:
        """The model for sound that comes in blocks; `settings` are `rate` and `every` of this class."""
        return LiveListening(cls(STANDARD_INPUT, **settings), replace(published, model=copy(published.model)))

    @classmethod
    def stream_settings(cls) -> tuple[str, ...]:
        return tuple(inspect.signature(cls).parameters)[1:]

    def run(self, published: Published | None, session: Session) -> Recognition:
        """Readings of the sound; each is said as it is made.

        Raises:
            AudioError, UserError: sound that can't be used. ConfigError: nothing to read in it.
        """
        step: Callable[[Frames], Frames]
        read: Read
        if published is None:
            hear: Ear = PlainEar(self.counts())
            step, read, onset = (lambda frame: frame), self.guess, (lambda: None)
        else:
            hear, step, onset = self.hearing(published)
            read = self.reader(published)
        notes, kind = list[str](), KindListener()

        def count(frame: Frames) -> bool:
            kind.push(frame)
            return hear(frame)

        listener = Listener(step, read, self.every, count, onset, lambda: hear.afresh, self.least_s)
        readings = listen(self.sound.frames(notes), listener, session.say)
        chances = kind.chances()
        if not readings and chances is None:
            needed = min(self.least_s or LEAST_S, LEAST_S)
            raise ConfigError(
                f"{self.sound.name}: nothing to read: silent, or too short ({needed:g} s of sound are needed); give more sound"
            )
        if not readings:
            readings = [listener.regardless()] * 2
        entry = published.entry if published else {}
        status = entry.get("status", "no model")
        run_id = entry.get("training", {}).get("run_id")
        sounding = listener.counted
        sounded = ((sounding - 1) * HOP + WINDOW) / RATE if sounding else 0.0
        detector = published.outliers if published else None
        distance = float(detector.distance(listener.mean())) if detector and sounding else None
        other = not_taken(chances, self.takes) if chances and self.takes else ""
        unsure = self._unsure(other, sounded, distance)
        if published and (doubt := self.doubt(readings[-1][1], sounded)):
            unsure.append(doubt)
        warnings = tuple(self.warnings(published)) if published else ()
        reasons = "; ".join(unsure)
        return Recognition(
            readings[:-1], *readings[-1], run_id, status, reasons, tuple(notes), distance, chances, warnings
        )

    def _unsure(self, other: str, sounded_s: float, distance: float | None) -> list[str]:
        """Why the answers for the whole sound should not be relied on, whatever the model.

        Args:
            other: says that it is not the kind of sound that the model takes; empty where it is.
            sounded_s: seconds of it that count.
            distance: from the sounds of the training, 1 the limit; None where nobody can tell.
        """
        unsure = [other] if other else []
        if sounded_s < self.least_s and (sounded_s or not other):
            unsure.append(f"too short: {short_of(sounded_s, self.least_s)} s of sound, {self.least_s:g} s are needed")
        if distance is not None and not distance <= 1:
            unsure.append(f"not like the sounds it was trained on (distance {short_of(distance, 1)}, the limit is 1)")
        return unsure

    def output(self, published: Published) -> Frames:
        """The mean output `[M]` of all that counts of the sound, without a reading; NaN where nothing does.

        Raises:
            AudioError, UserError: sound that can't be used.
        """
        hear, step, onset = self.hearing(published)
        listener = Listener(step, lambda mean: Reading({}), 3600, hear, onset, lambda: hear.afresh, self.least_s)
        for frame in chain.from_iterable(self.sound.frames([])):
            listener.push(frame)
        return listener.mean()

    @classmethod
    def questions(cls, path: Path, published: Published) -> Iterator[Question]:
        """The recording itself."""
        yield Question(sha256_file(path), sound=path)

    @classmethod
    def asked(cls, question: Question, published: Published) -> Guess:
        output = cls(question.sound).output(published)
        if not np.isfinite(output).all():
            raise ConfigError("nothing to hear in it")
        return Guess(output, cls.chances(output, published), cls.labels(published))

    @classmethod
    def chances(cls, output: Frames, published: Published) -> Frames:
        """`[C]`, the probability 0..1 of each of `labels`, in their order, adding up to 1, for an output `[M]`."""
        raise NotImplementedError

    @classmethod
    def rows(cls, answer: Recognition) -> list[tuple[str, str]]:
        doubts = [("unsure", answer.unsure)] if answer.unsure else []
        said = [
            (_words(question), f"{_words(told)}, {sure:.0%} sure")
            for question, (told, sure) in answer.summary.answers.items()
        ]
        values = [(_words(name), f"{value:.2f}") for name, value in answer.summary.values.items()]
        return [*doubts, *said, *values, *(("note", note) for note in (*answer.notes, *answer.warnings))]

    def show(self, answer: Recognition, session: Session) -> None:
        for note in answer.notes:
            say(f"note: {note}")
        say("the whole recording:")
        say(answer.summary.line(answer.seconds))
        if answer.unsure:
            say(f"unsure: {answer.unsure}")
        written, picture = session.folder / "reading.json", session.folder / "timeline.png"
        write_atomic(written, json.dumps(answer.record(session.model, self.sound.name, self.every), indent=1).encode())
        title = f"{session.model}: {Path(self.sound.name).name}"  # with its folders it would be cut
        write_atomic(picture, timeline_png(answer.readings, title, self.every))
        say(f"written: {written}, {picture}")


def no_answer_stands_out(what: str, answer: tuple[str, float], needed: float, of: str = "") -> str:
    """Why the likeliest answer, with its probability, is not to be relied on; empty where it has as much as is needed.

    Args:
        what: is asked for, such as instrument.
        of: of what kind of sound so much is needed.
    """
    name, p = answer
    return f"no {what} stands out ({name} has {short_of(p, needed)}, {needed:.2f} is needed{of})" if p < needed else ""


def _words(name: str) -> str:
    """A name of a label, such as `high_mid`, as people write it."""
    return name.replace("_", " ")
