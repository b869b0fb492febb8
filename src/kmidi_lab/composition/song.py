"""The chain: a request to a song that is written, played, heard and drawn, with a trace of who did what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from kmidi_lab.composition.arranging import Arranger
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.form import along, form
from kmidi_lab.composition.performance import performed
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest, closest_mood
from kmidi_lab.song import Arrangement, RuleBreakError, break_rule, to_json


@dataclass(frozen=True)
class Song:
    """A finished song.

    Args:
        brief: what was decided before it.
        arrangement: as it is written.
        midi: as it is played, a MIDI file's bytes.
        trace: who did what, for a JSON file.
        remarks: what a person should know, a line each.
    """

    brief: Brief
    arrangement: Arrangement
    midi: bytes
    trace: Mapping[str, Any]
    remarks: tuple[str, ...]


def composed(request: SongRequest, players: Players, seed: int) -> Song:
    """The same request, models and seed give the same bytes.

    Raises:
        UserError: what was asked can't be.
    """
    brief = request.brief(None, seed)
    plan = along(request.form, brief.arc) if request.form else form(brief.bars, brief.arc)
    arrangement = Arranger(brief, players).arrange(plan)
    remarks = []
    for rule in brief.rules_broken:
        try:
            arrangement = break_rule(arrangement, rule)
        except RuleBreakError as error:
            remarks.append(str(error))
    midi = performed(arrangement, brief, players)
    remarks += [f"{p.model}: no trained model; {p.by} stood in" for p in players.trace.values() if p.fallback]
    return Song(brief, arrangement, midi, _trace(request, brief, arrangement, players, remarks), tuple(remarks))


def _trace(
    request: SongRequest, brief: Brief, song: Arrangement, players: Players, remarks: list[str]
) -> dict[str, Any]:
    sections = [
        {
            "name": s.name,
            "bar": s.start + 1,
            "bars": s.bars,
            "energy": round(s.energy, 3),
            "chords": [
                brief.spelling.chord(c.chord) for c in song.chords if song.span(s)[0] <= c.start < song.span(s)[1]
            ],
        }
        for s in song.sections
    ]
    return {
        "title": brief.title,
        "seed": brief.seed,
        "mood": {**asdict(brief.mood), "nearest": closest_mood(brief.mood)},
        "key": str(brief.spelling),
        "tempo": brief.tempo,
        "style": brief.band.name,
        "arc": brief.arc,
        "rules_broken": list(brief.rules_broken),
        "form": {"by": "a rule: no data hold narrative arcs", "sections": sections},
        "accompaniment": {"by": f"patterns of the style {brief.band.name}, chords by voice-leading"},
        "models": [asdict(player) for player in players.trace.values()],
        "intent": orjson.loads(to_json(request.song)),
        "still_open": request.questions,
        "remarks": remarks,
    }


def compose(
    text: str | None = None,
    models_root: str | Path | None = None,
    seed: int = 1,
    **settings: Any,
) -> Song:
    """A song from a sentence: what `task=compose` makes, without files.

    Args:
        text: what happened, how it feels.
        models_root: a folder with a registry; None as in `kmidi_lab.load`.
        seed: of what is drawn.
        settings: the other keys of `SongRequest`.

    Raises:
        UserError: what was asked can't be.
    """
    from kmidi_lab.inference.published import default_root

    root = Path(models_root) if models_root is not None else default_root()
    return composed(SongRequest(text, **settings), Players(root, Path("outputs/cache")), seed)
