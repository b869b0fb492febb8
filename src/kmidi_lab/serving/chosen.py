"""What a model was given for each chord that it drew for a song of the page, so that a rating of the song can teach it."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from kmidi_lab.composition.players import Players
from kmidi_lab.composition.song import Song
from kmidi_lab.feedback.event import FORMAT, Event, new_id
from kmidi_lab.feedback.reading import from_json

CHOSEN = "chosen"
"""Its ending on the shelf, beside the song's files; no request names it."""


def chosen(song: Song, players: Players) -> bytes:
    """The model, its input, its file's hash and the chord of each, as fields of an event; none where a rule drew them."""
    asked = [(model, players.given(model, **settings), chord) for model, settings, chord in song.drawn]
    held = [
        {"model": model, "input": given[0].tolist(), "artefact": given[1], "choices": {"chosen": chord}}
        for model, given, chord in asked
        if given is not None
    ]
    return orjson.dumps(held)


def chord_events(songs: Sequence[tuple[str, bytes]], rated: Sequence[Event]) -> list[Event]:
    """What a rating says of the chords of both songs: those of the better are accepted, the other's rejected.

    Of two that are alike nothing is said: both may be good or bad.

    Args:
        songs: the names of the two, which tell which chords were judged together, and what `chosen` gives of them.
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
