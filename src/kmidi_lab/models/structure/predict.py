"""task=predict for structure: the sections of a song, from the published model or a usual form by rule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
import orjson
from annotated_types import Interval

from kmidi_lab.chords.asking import parse_affect
from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.ways import Way
from kmidi_lab.models.structure.decoding import Head, length_probabilities, section_probabilities
from kmidi_lab.models.structure.form import TYPES, length_class
from kmidi_lab.models.structure.form import Section as FormSection
from kmidi_lab.models.structure.heuristic import rule_head, usual_form
from kmidi_lab.models.structure.planning import MOST_BARS, MOST_SECTIONS, Answer, Ask, Wishes, plan
from kmidi_lab.models.structure.song_memory import MOST_REPEATS, repeated, with_repeats
from kmidi_lab.scoring.matches import next_with_matches
from kmidi_lab.song.arcs import ARC_CURVES
from kmidi_lab.song.elements import DENOMINATORS, FASTEST, SLOWEST, Metre, Section
from kmidi_lab.song.vocabularies import mood_affect
from kmidi_lab.wording import many

Bars = Annotated[int, Interval(ge=0, le=MOST_BARS)]
Tempo = Annotated[float, Interval(ge=SLOWEST, le=FASTEST)]
Temperature = Annotated[float, Interval(ge=0.05, le=5)]
_USUAL_BARS, _MOST_BEATS = 8, 32
_METRE = re.compile(r"^\s*(\d+)\s*/\s*(\d+)\s*$")
_START = re.compile(r"^([a-z-]+)(?:\s+(\d+))?$")


@dataclass(frozen=True)
class Plan:
    """The form of a song: sections in order, and what they were asked for; `made_by` names the model or what stood in."""

    sections: tuple[Section, ...]
    bars: int
    tempo: float
    metre: str
    arc: str | None
    mood: str | None
    made_by: str

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


class PlannedSong(Request[Plan]):
    """Asks for the sections of a song.

    Args:
        arc: a narrative arc, such as Climb-to-Climax; None is none. It acts by a rule, since no data hold arcs.
        bars: length of the song, up to 400; 0 is left to the model.
        mood: a mood, feel words, or valence,arousal in -1..1; None is neutral. Arousal acts on energy, by a rule.
        tempo: quarter notes a minute.
        metre: such as 4/4 or 6/8.
        start: sections that the song begins with, such as "intro 4, verse 16".
        temperature: below 1 draws likelier sections, above 1 rarer ones.

    Raises:
        ConfigError: an arc, mood, metre or section that isn't one, or a number out of range.
    """

    ways = (Way("bars", "the form of a song of so many bars", "64"),)
    without_model = "a usual form by rule"

    def __init__(
        self,
        arc: str | None = None,
        bars: Bars = 0,
        mood: str | None = None,
        tempo: Tempo = 120.0,
        metre: str = "4/4",
        start: str = "",
        temperature: Temperature = 1.0,
    ) -> None:
        self.arc, self.mood = _arc(arc), mood
        self.wishes = Wishes(
            bars=bars or None,
            tempo=tempo,
            metre=_metre(metre),
            arc=None if self.arc is None else list(ARC_CURVES).index(self.arc),
            affect=_affect(mood),
            start=_sections(start, bars),
            temperature=temperature,
        )

    def run(self, published: Published | None, session: Session) -> Plan:
        ask, head = (usual_form, rule_head()) if published is None else (_asking(published), published.head)
        sections = plan(ask, head, self.wishes, np.random.default_rng(session.seed))
        metre = "{}/{}".format(*self.wishes.metre)
        made_by = self.without_model if published is None else published.contract.id
        whole = sum(s.bars for s in sections)
        return Plan(tuple(sections), whole, self.wishes.tempo, metre, self.arc, self.mood, made_by)

    @classmethod
    def rows(cls, answer: Plan) -> list[tuple[str, str]]:
        return [
            (f"bar {s.start + 1}", f"{s.name}, {many(s.bars, 'bar')}, {s.energy:.0%} full, {s.tension:.0%} tense")
            for s in answer.sections
        ]

    def show(self, answer: Plan, session: Session) -> None:
        minutes, seconds = divmod(round(answer.bars * self.wishes.bar_seconds), 60)
        arc = f", {answer.arc}" if answer.arc else ""
        session.say(
            f"{many(answer.bars, 'bar')} of {answer.metre} at {answer.tempo:g} bpm, {minutes}:{seconds:02}{arc}; by {answer.made_by}"
        )
        session.say(f"  {'bar':>4}  {'section':<10} {'bars':>4}  {'energy':>6} {'density':>7} {'tension':>7}")
        for s in answer.sections:
            session.say(
                f"  {s.start + 1:>4}  {s.name:<10} {s.bars:>4}  {s.energy:>6.2f} {s.density:>7.2f} {s.tension:>7.2f}"
            )
        out = session.folder / "structure.json"
        write_atomic(out, orjson.dumps(answer.record(), option=orjson.OPT_INDENT_2))
        session.say(f"written: {out}")


def _asking(published: Published) -> Ask:
    head: Head = published.head

    def ask(x: np.ndarray, sections: Sequence[FormSection]) -> Answer:
        outputs = published.call(x[None])
        kinds = [s.kind for s in sections]
        p = next_with_matches(section_probabilities(outputs)[0], kinds, head["memory_weight"])
        before = [[length_class(s.bars) for s in sections if s.kind == kind and s.bars] for kind in range(len(TYPES))]
        counts = np.array([min(len(b), MOST_REPEATS) for b in before])
        earlier = np.stack([repeated(b) for b in before], 1)
        return Answer(p, with_repeats(length_probabilities(outputs, head)[0], earlier, counts, head["repeat_weight"]))

    return ask


def _arc(name: str | None) -> str | None:
    if name is None or not name.strip():
        return None
    plain = {re.sub(r"[^a-z]", "", arc.lower()): arc for arc in ARC_CURVES}
    arc = plain.get(re.sub(r"[^a-z]", "", name.lower()))
    if arc is None:
        raise ConfigError(one_of("predict.arc", name, tuple(ARC_CURVES)))
    return arc


def _affect(mood: str | None) -> tuple[float, float]:
    if mood is None or not mood.strip():
        return 0.0, 0.0
    affect = mood_affect(mood)
    if affect is not None:
        return affect
    return parse_affect(mood, "predict.mood") or (0.0, 0.0)


def _metre(text: str) -> Metre:
    match = _METRE.match(text)
    metre = Metre(int(match[1]), int(match[2])) if match else Metre(0)
    if not 1 <= metre.numerator <= _MOST_BEATS or metre.denominator not in DENOMINATORS:
        raise ConfigError(f"predict.metre={text!r} is no metre; give one such as 4/4, 3/4 or 6/8")
    return metre


def _sections(text: str, bars: int) -> tuple[tuple[int, int], ...]:
    out = []
    for part in filter(None, (part.strip().lower() for part in text.split(","))):
        match = _START.match(part)
        if not match or match[1] not in TYPES:
            raise ConfigError(one_of("predict.start", part, tuple(f"{name} 8" for name in TYPES)))
        length = int(match[2]) if match[2] else _USUAL_BARS
        if not 1 <= length <= MOST_BARS:
            raise ConfigError(f"predict.start: {part!r} must have 1 to {MOST_BARS} bars")
        out.append((TYPES.index(match[1]), length))
    whole = sum(length for _, length in out)
    if whole > (bars or MOST_BARS) or len(out) > MOST_SECTIONS:
        raise ConfigError(
            f"predict.start has {many(whole, 'bar')} in {many(len(out), 'section')}; give at most {bars or MOST_BARS} bars in {MOST_SECTIONS}"
        )
    return tuple(out)
