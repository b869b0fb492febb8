"""task=predict for feel: tempo, swing, energy, density over time, and a style file for a song that should go so."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.front_end import Ear, MusicEar
from kmidi_lab.audio.mel import BANDS, FRAME_S
from kmidi_lab.audio.style import Style
from kmidi_lab.errors import ConfigError
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.listener import Frames, Read, Reading
from kmidi_lab.inference.listening import Listening
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.questions import SOUNDS, Guess, Question
from kmidi_lab.inference.recognition import Recognition
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.ways import Way
from kmidi_lab.models.feel.brightness import BrightnessEar
from kmidi_lab.models.feel.contract import FEEL
from kmidi_lab.models.feel.decoding import tempo_of
from kmidi_lab.models.feel.features import BINS, bpm_of
from kmidi_lab.models.feel.hearing import LEAST_S, PAUSE, too_short
from kmidi_lab.models.feel.heuristic import NAME, style_by_onsets
from kmidi_lab.models.feel.style import SURE, style_of, within
from kmidi_lab.streams import say
from kmidi_lab.wording import short_of

_DRAWN = ("energy", "density", "brightness", "swing", "valence", "arousal")


_SLOWEST, _FASTEST, _NEAR = 20.0, 400.0, 0.04


@dataclass(frozen=True)
class HeardMusic(Recognition):
    """A reading, and the style of the whole."""

    style: Style | None = None


class _Noted:
    """An ear that remembers which frames counted."""

    def __init__(self, hear: Ear) -> None:
        self._hear, self.counted = hear, list[bool]()
        self.input, self.afresh = hear.input, hear.afresh

    def __call__(self, frame: Frames) -> bool:
        self.counted.append(self._hear(frame))
        self.input, self.afresh = self._hear.input, self._hear.afresh
        return self.counted[-1]


class HeardFeel(Listening):
    """Asks how fast music goes and how it feels, for at most fifteen minutes of it.

    A pause belongs to the music: the model begins where sound does, and is not reset behind silence. Brightness is
    measured in the frames, not read from the model.
    """

    without_model = NAME
    ways = (Way("audio", "tempo, swing and energy of music"),)
    asks_about = SOUNDS
    asks_by = "entropy"
    typed_label = "quarter notes a minute, or tap T"
    tapped_label = True
    takes = "music"
    longest_s = 900.0
    """Nothing longer is a song."""
    _heard_by: tuple[Ear, Callable[[Frames], Frames], Callable[[], None]] | None = None

    def reader(self, published: Published) -> Read:
        """Reads the tempo, and what is drawn."""

        def read(output: Frames) -> Reading:
            shares = _tempo_shares(output)
            values = {name: within(name, output[FEEL.output(name).start]) for name in _DRAWN}
            sure = float(1 / (1 + np.exp(-float(output[FEEL.output("confidence").start]))))
            return Reading(values, {"tempo": (f"{tempo_of(shares):.0f}", sure)})

        return read

    def doubt(self, summary: Reading, sounded_s: float) -> str:
        """Says so where the model does not trust its tempo."""
        _, sure = summary.answers["tempo"]
        return "" if sure >= SURE else f"no steady beat (confidence {short_of(sure, SURE)}, {SURE:g} is needed)"

    @classmethod
    def asked(cls, question: Question, published: Published) -> Guess:
        """The shares of the tempos."""
        output = cls(question.sound).output(published)
        if not np.isfinite(output).all():
            raise ConfigError("nothing to hear in it")
        return Guess(output, _tempo_shares(output), [f"{bpm_of(place):.0f}" for place in range(BINS)])

    @classmethod
    def choices(cls, question: Question, guess: Guess, published: Published) -> list[str]:
        """The model's tempo, half and twice as fast: what it most often errs by."""
        tempo = tempo_of(guess.chances)
        return [f"{t:.0f}" for t in (tempo / 2, tempo, tempo * 2) if _SLOWEST <= t <= _FASTEST]

    @classmethod
    def checked_label(cls, text: str, published: Published) -> str:
        """Quarter notes a minute, to a tenth."""
        try:
            tempo = float(text)
        except ValueError:
            tempo = 0.0
        if not _SLOWEST <= tempo <= _FASTEST:
            raise ConfigError(
                f"label {text[:40]!r} is no tempo; give {_SLOWEST:g} to {_FASTEST:g} quarter notes a minute"
            )
        return f"{round(tempo, 1):g}"

    @classmethod
    def alike(cls, a: str, b: str) -> bool:
        """Within 4 %, as tempos are scored (Gouyon et al., IEEE TASLP 2006)."""
        return abs(float(a) / float(b) - 1) <= _NEAR

    def run(self, published: Published | None, session: Session) -> HeardMusic:
        """As Listening.run, with the style of the whole.

        Raises:
            AudioError, UserError: sound that can't be used. ConfigError: nothing to read in it.
        """
        if published is None:
            return self._by_rule()
        outputs: list[Frames] = []
        hear, step, _ = self._measuring(published)
        noted = _Noted(hear)

        def kept(frame: Frames) -> Frames:
            outputs.append(step(frame))
            return outputs[-1]

        def onset() -> None:
            if not any(noted.counted[:-1]):
                published.model.reset()

        self._heard_by = MusicEar(noted, PAUSE), kept, onset
        answer = super().run(published, session)
        counted = np.flatnonzero(noted.counted if any(noted.counted) else np.ones(len(noted.counted)))
        first, last = int(counted[0]), int(counted[-1])
        style = style_of(np.stack(outputs[first : last + 1]), first * FRAME_S).rounded()
        # One reading of the whole: the model needs two seconds before its outputs count, which the other means don't leave out.
        whole = Reading(
            {name: float(getattr(style, name)) for name in _DRAWN}, {"tempo": (f"{style.tempo:.0f}", style.confidence)}
        )
        seconds = (last + 1 - first) * FRAME_S
        short = [why] if (why := too_short(last + 1 - first)) else []
        before, after = self.doubt(answer.summary, seconds), self.doubt(whole, seconds)
        other = [line for line in answer.unsure.split("; ") if line and line != before]
        unsure = "; ".join([*short, *other, *([after] if after else [])])
        return HeardMusic(**{**vars(answer), "unsure": unsure, "summary": whole}, style=replace(style, unsure=unsure))

    def _by_rule(self) -> HeardMusic:
        notes = list[str]()
        blocks = [block for block in self.sound.frames(notes) if len(block)]
        frames = np.concatenate(blocks) if blocks else np.zeros((0, BANDS), np.float32)
        seconds = len(frames) * FRAME_S
        if seconds < LEAST_S:
            raise ConfigError(f"{self.sound.name}: {seconds:.1f} s; a tempo needs {LEAST_S:g} s of music")
        style = style_by_onsets(frames).rounded()
        values = {name: float(getattr(style, name)) for name in _DRAWN}
        reading = Reading(values, {"tempo": (f"{style.tempo:.0f}", style.confidence)})
        return HeardMusic(
            [(seconds, reading)], seconds, reading, None, "no model", style.unsure, tuple(notes), style=style
        )

    def hearing(self, published: Published) -> tuple[Ear, Callable[[Frames], Frames], Callable[[], None]]:
        """As Listening's, with brightness measured, and all of the music counts; what `run` has prepared, where it has."""
        if self._heard_by:
            return self._heard_by
        hear, step, onset = self._measuring(published)
        return MusicEar(hear, PAUSE), step, onset

    def _measuring(self, published: Published) -> tuple[Ear, Callable[[Frames], Frames], Callable[[], None]]:
        hear, step, onset = super().hearing(published)
        measuring = BrightnessEar(hear)
        return measuring, lambda frame: measuring.put_into(step(frame)), onset

    def show(self, answer: Recognition, session: Session) -> None:
        super().show(answer, session)
        if not isinstance(answer, HeardMusic) or answer.style is None:
            raise ConfigError("this answer has no style; ask with HeardFeel.run")
        style = answer.style
        sure = " (no bars of three heard)" if style.metre != 3 else "" if style.in_three else " (unsure)"
        say(
            f"style: {style.tempo:.1f} quarter notes a minute, {style.metre}/4{sure}, "
            f"swing {style.swing:.2f} (0 even, 1 triplets), energy {style.energy:.2f}, "
            f"density {style.density:.2f}, confidence {style.confidence:.2f}"
        )
        written = session.folder / "style.json"
        write_atomic(written, (json.dumps(style.plain(), indent=1) + "\n").encode())
        say(f"written: {written}")


def _tempo_shares(output: Frames) -> NDArray[np.float64]:
    """`[32]`, how likely each tempo is, of a mean output."""
    logits = np.asarray(output[FEEL.output("tempo").index], np.float64)
    shares: NDArray[np.float64] = np.exp(logits - logits.max())
    return shares / shares.sum()
