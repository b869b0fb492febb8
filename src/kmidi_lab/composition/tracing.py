"""Who did what in a song, for its JSON file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import zip_longest
from typing import Any

import orjson

from kmidi_lab.composition import summaries
from kmidi_lab.composition.brief import Brief, closest_mood
from kmidi_lab.composition.performance import Performed
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.stages import Stage
from kmidi_lab.composition.staging import Staging
from kmidi_lab.composition.taken import Taken
from kmidi_lab.composition.telling import taken_lines
from kmidi_lab.song import Arrangement, to_json


def trace_of(
    request: SongRequest,
    brief: Brief,
    song: Arrangement,
    played: Performed,
    players: Players,
    remarks: list[str],
    staging: Staging,
    more: Sequence[Taken] = (),
) -> dict[str, Any]:
    """What stands in a song's JSON file; `staging` and `more` are what the text asks for of its places and parts."""
    sections = [
        {
            "name": s.name,
            "bar": s.start + 1,
            "bars": s.bars,
            "energy": round(s.energy, 3),
            "chords": summaries.of_chords(song, s, stage.heard if stage else brief.spelling),
            **(_of_stage(stage) if stage else {}),
        }
        for s, stage in zip_longest(song.sections, staging.stages)
    ]
    return {
        "title": brief.title,
        "seed": brief.seed,
        "mood": {**asdict(brief.mood), "nearest": closest_mood(brief.mood)},
        "key": str(brief.spelling),
        "tempo": brief.tempo,
        "metre": brief.metre.name,
        "style": brief.band.name,
        "arc": brief.arc,
        "rules_broken": list(brief.rules_broken),
        "form": {"by": _form_by(request, brief, players), "sections": sections},
        "accompaniment": {"by": f"patterns of the style {brief.band.name}, chords by voice-leading"},
        "drums": {"by": played.drummer},
        "models": [asdict(player) for player in players.trace.values()],
        "from_text": [line.record() for line in (*taken_lines(request, brief), *staging.lines, *more)],
        "intent": orjson.loads(to_json(request.song)),
        "still_open": request.questions,
        "remarks": remarks,
    }


def _of_stage(stage: Stage) -> dict[str, Any]:
    return {"key": str(stage.heard), "mood": {**asdict(stage.mood), "nearest": closest_mood(stage.mood)}}


def _form_by(request: SongRequest, brief: Brief, players: Players) -> str:
    if request.form_by:
        return request.form_by
    if brief.blues:
        return "a rule, for a blues"
    return players.trace["structure"].by if "structure" in players.trace else "a rule, for a short song"
