"""What a song is to be: KmiDi's complete song intent, schema 1.0.0, as dataclasses.

Four blocks: the root (why), the emotional side (how it feels), technical constraints (what it may cost) and a directive
(what to make). An empty text or None means that nothing is known yet. Keys that the schema does not name are kept in
`extra` of their block, so that a file that is read and written again loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kmidi_lab.chords.chord import MODES, ChordError, Key, parse_key
from kmidi_lab.errors import UserError
from kmidi_lab.song.vocabularies import mood_affect
from kmidi_lab.wording import many

SCHEMA_VERSION = "1.0.0"
Extra = Mapping[str, Any]


class IntentError(UserError):
    """A song intent that can't be used. `faults` has one line each: what is wrong, and what is allowed."""

    def __init__(self, faults: tuple[str, ...], source: str = "") -> None:
        self.faults = faults
        more = f" (and {many(len(faults) - 1, 'more fault')})" if len(faults) > 1 else ""
        super().__init__(f"{source}: {faults[0]}{more}" if source else f"{faults[0]}{more}")


@dataclass(frozen=True)
class SongRoot:
    """Why there is to be a song: what happened, what holds one back, what one longs for, what is at stake, what is to change."""

    core_event: str = ""
    core_resistance: str = ""
    core_longing: str = ""
    core_stakes: str = ""
    core_transformation: str = ""
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True)
class EmotionalIntent:
    """How it is to feel. `mood_secondary_tension` in 0..1; the mood is one of 18 or one's own words."""

    mood_primary: str = ""
    mood_secondary_tension: float | None = None
    imagery_texture: str = ""
    vulnerability_scale: str = ""
    narrative_arc: str = ""
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True)
class TechnicalConstraints:
    """What the music may cost. `technical_tempo_range` is the lowest and highest tempo in quarter notes a minute."""

    technical_genre: str = ""
    technical_tempo_range: tuple[float, float] | None = None
    technical_key: str = ""
    technical_mode: str = ""
    technical_groove_feel: str = ""
    technical_rule_to_break: str = ""
    rule_breaking_justification: str = ""
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True)
class SystemDirective:
    """What to make, and which sides of it to go over again. `output_bars`, the length, is the lab's own key."""

    output_target: str = ""
    output_feedback_loop: str = ""
    output_bars: int | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True)
class SongIntent:
    """The whole.

    Args:
        root: why.
        intent: how it feels.
        constraints: what it may cost.
        directive: what to make.
        title: of the song.
        created: when, as KmiDi's program writes it.
        declined: fields that a person was asked for and left to the lab.
        constraints_key: what a file calls the constraints: `technical_constraints` in the program's JSON,
            `song_technical_constraints` in the schema's YAML.
        extra: other keys of the file.
    """

    root: SongRoot = SongRoot()
    intent: EmotionalIntent = EmotionalIntent()
    constraints: TechnicalConstraints = TechnicalConstraints()
    directive: SystemDirective = SystemDirective()
    title: str = ""
    created: str = ""
    declined: tuple[str, ...] = ()
    constraints_key: str = "technical_constraints"
    extra: Extra = field(default_factory=dict)

    @property
    def affect(self) -> tuple[float, float] | None:
        """Valence and arousal in -1..1 of the mood; None where it is not known."""
        return mood_affect(self.intent.mood_primary)

    @property
    def mode(self) -> str | None:
        """The scale: the first mode that `technical_mode` names, else that of the key; None where neither says one."""
        return named_mode(self.constraints.technical_mode) or key_mode(self.constraints.technical_key)

    @property
    def key(self) -> Key | None:
        """Tonic and mode; the mode is 0 where neither the key nor the mode says it, None where there is no key."""
        text, mode = self.constraints.technical_key, self.mode
        if not text.strip():
            return None
        return Key(parse_key(text).tonic, MODES[mode] if mode else 0)

    def get(self, name: str) -> Any:
        """The value of a field by its name in the schema, such as `core_event`. Raises KeyError."""
        return getattr(self._block(name), name)

    def block_of(self, name: str) -> str:
        """Which block (`root`, `intent`, `constraints`, `directive`) has a field. Raises KeyError."""
        return FIELDS[name]

    def _block(self, name: str) -> Any:
        return getattr(self, self.block_of(name))


BLOCKS: Mapping[str, type] = {
    "root": SongRoot,
    "intent": EmotionalIntent,
    "constraints": TechnicalConstraints,
    "directive": SystemDirective,
}
FIELDS: Mapping[str, str] = {
    part.name: block for block, kind in BLOCKS.items() for part in fields(kind) if part.name != "extra"
}
"""The schema's fields, and the block of each."""


def named_mode(text: str) -> str | None:
    """The first mode that a text such as `major with Lydian moments` names."""
    words = re.findall(r"[a-z]+", text.lower())
    return next((word for word in words if len(word) > 1 and word in MODES), None)


def key_mode(text: str) -> str | None:
    """`major` or `minor` as a key such as Dm or `D major` says it; None where it says neither. A lone tonic says nothing."""
    try:
        key = parse_key(text)
    except ChordError:
        return None
    said = named_mode(text)
    if said:
        return said
    return ("minor" if key.mode < 0 else None) if len(text.strip()) <= 2 else {1: "major", -1: "minor"}[key.mode]
