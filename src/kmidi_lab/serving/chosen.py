"""What models were given for what they drew for a song of the page, chords and bars of drums, so that its rating can teach them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from kmidi_lab.composition.players import Players
from kmidi_lab.composition.song import Song
from kmidi_lab.feedback.event import FORMAT, Event, new_id
from kmidi_lab.feedback.reading import from_json

CHOSEN = "chosen"
"""Its ending on the shelf, beside the song's files; no request names it."""


_DIGITS = 4


def chosen(song: Song, players: Players) -> bytes:
    """The model, its input, its file's hash and what was drawn, as fields of an event; none where a rule drew it.

    Of bars of drums with the same strokes there is one, the mean of how they were played: what they have in common is the
    take's own feel, and the rest is chance.
    """
    asked = [(model, players.given(model, **settings), chord) for model, settings, chord in song.drawn]
    held = [
        {"model": model, "input": given[0].tolist(), "artefact": given[1], "choices": {"chosen": chord}}
        for model, given, chord in asked
        if given is not None
    ]
    return orjson.dumps([*held, *_drummed(song, players)])


def _drummed(song: Song, players: Players) -> list[dict[str, Any]]:
    bars = song.bars
    if bars is None or players.trace[bars.model].fallback:
        return []
    given, of = np.unique(np.asarray(bars.given, np.float32), axis=0, return_inverse=True)
    rows = ((x, bars.played[of.ravel() == place].mean(0)) for place, x in enumerate(given))
    return [
        {
            "model": bars.model,
            "input": x.astype(float).tolist(),
            "output": np.round(played, _DIGITS).tolist(),
            "artefact": players.trace[bars.model].sha256,
            "choices": {},
        }
        for x, played in rows
    ]


def drawn_events(songs: Sequence[tuple[str, bytes]], rated: Sequence[Event]) -> list[Event]:
    """What a rating says of the chords and drums of both songs: those of the better are accepted, the other's rejected.

    Of two that are alike nothing is said: both may be good or bad.

    Args:
        songs: the names of the two, which tell what was judged together, and what `chosen` gives of them.
        rated: the events of the songs themselves.
    """
    if rated[0].action == rated[1].action:
        return []
    return [
        from_json(
            {"format": FORMAT, "event": new_id(), "time": of.time, "use": of.use}
            | {"action": of.action, "group": of.group}
            | one
            | {"choices": one["choices"] | {"song": name}}
        )
        for of, (name, held) in zip(rated, songs, strict=True)
        for one in orjson.loads(held)
    ]
