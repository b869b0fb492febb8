"""From a request to a brief: what was asked for, and the rest chosen by the mood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from zlib import crc32

from kmidi_lab.chords.chord import MODES
from kmidi_lab.chords.spelling import Spelling, parse_spelling
from kmidi_lab.composition.bands import Band, band_of_genre, walking, waltzing, with_feel
from kmidi_lab.composition.brief import Brief, Mood, chosen, closest_mood
from kmidi_lab.composition.chord_rows import NO_ROWS
from kmidi_lab.composition.form import bars_in
from kmidi_lab.composition.metres import METRES
from kmidi_lab.composition.planning import named_form
from kmidi_lab.composition.reference import Reference
from kmidi_lab.composition.request import BY_TEXT, SongRequest
from kmidi_lab.composition.soloing import soloist_of
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.song import answer, filled
from kmidi_lab.song.suggestions import affect

_LONGEST_TITLE = 60
_FULLNESS = {"High": 0.8, "Low": 1.1}
"""What vulnerability does to how full a song is: the more exposed, the sparser."""
_OTHERS: Mapping[str, tuple[int, ...]] = {
    "lead": (73, 11, 66),
    "chords": (25, 4, 46),
    "pad": (48, 89),
    "bass": (32, 38),
}
"""Programs that stand in where a person doesn't want an instrument, the first of another family."""


def brief_of(
    request: SongRequest, mood: Mood | None, seed: int, arc: str = "", reference: Reference | None = None
) -> Brief:
    """The song's brief.

    Args:
        mood: what the text means to a model; None is what the intent and the words of the lexicon say.
        seed: of what is left open.
        arc: that the text asks for; the intent's comes before it.
        reference: what is taken of a recording.
    """
    named = mood is not None and not mood.plain and request.unread
    said = answer(request.song, "mood_primary", closest_mood(mood)) if mood and named else request.song
    whole = filled(said)
    place = request.affect or (None if mood else affect(whole)) or (0.0, 0.0)
    felt = mood if mood and not request.affect else Mood(*place, words=whole.get("mood_primary"))
    unfelt = felt.plain  # in words, though a recording may tell of one
    if reference and (not request.mood_by or (felt.plain and request.mood_by == BY_TEXT)):
        felt = reference.mood()
    wish = whole.constraints
    tension = request.song.get("mood_secondary_tension")
    felt = felt if tension is None else replace(felt, complexity=float(tension))
    band = _band(request, felt)
    tempo = request.tempo or request.pace
    if tempo is None and reference and reference.tempo:
        tempo = round(reference.tempo, 1)
    metre = METRES[reference.metre] if reference and reference.metre and not request.metre_by else request.metre
    own = request.rows.by_kind(metre.beats) if request.rows else NO_ROWS
    rule = wish.technical_rule_to_break
    asked = request.song.get("narrative_arc") or arc
    brief = chosen(
        _title(request.song.title or request.song.get("core_event") or whole.get("mood_primary") or "Song"),
        felt,
        request.length,
        seed,
        _spelling(request),
        tempo,
        band,
        own=own,
        mode=MODES[request.song.mode] if request.song.mode else int(request.blues > 0),
        metre=metre,
        fullness=_FULLNESS.get(request.song.get("vulnerability_scale"), 1.0),
        arc=asked or ("" if felt.plain else whole.get("narrative_arc")),
        arc_asked=bool(asked),
        rules_broken=(rule,) if rule else (),
        without=request.wishes.without,
        second=request.wishes.second,
        throughout=request.wishes.throughout,
        turn=crc32(request.song.get("core_event").encode()) if unfelt else 0,
    )
    brief = replace(brief, blues_bars=request.blues, blues_jazz=_as_jazz(request, brief.band))
    form = named_form(request, brief)
    bars = bars_in(form) if form else request.extent.bars(brief.tempo, metre)
    brief = replace(brief, bars=bars or brief.bars)
    band = brief.band
    if request.danced and request.metre.name == "3/4":
        band, brief = waltzing(band), replace(brief, throughout=("bass",))
    band = walking(band) if "bass" in request.wishes.throughout else band
    brief = replace(brief, band=_with_instruments(band, request.wishes))
    return reference.applied(brief) if reference else brief


def left_open(request: SongRequest, mood: Mood) -> list[str]:
    """Which of key and style nothing asks for."""
    return [what for what, asked in (("key", _spelling(request)), ("style", _band(request, mood))) if asked is None]


def _band(request: SongRequest, mood: Mood) -> Band | None:
    """The style that was typed, or of the genre that was asked for, with the feel that was; None where none was."""
    wish = request.song.constraints
    band = request.style or band_of_genre(wish.technical_genre)
    if band is None and wish.technical_groove_feel:
        band = chosen("", mood, 1, 1).band
    return with_feel(band, wish.technical_groove_feel) if band else None


def _as_jazz(request: SongRequest, band: Band) -> bool:
    """Whether a blues is one as jazz plays it: a blues without more words is played by that style, too."""
    words = [request.wishes.words.get("style"), request.known.constraints.technical_genre, request.typed["style"]]
    return band.name == "jazz" and any(word and str(word).lower() != "blues" for word in words)


def _spelling(request: SongRequest) -> Spelling | None:
    """The key that was typed, the intent's, or the chords'."""
    asked = request.song.constraints.technical_key
    if request.spelling is None and asked and request.song.key:
        heard = request.chart.spelling if request.chart and not request.song.key.mode else None
        if heard and heard.key.tonic == request.song.key.tonic:  # whose numerals tell the mode: `i iv V7 i in A`
            return heard
        return replace(parse_spelling(asked), key=replace(request.song.key, mode=request.song.key.mode or 1))
    return request.spelling or (request.chart.spelling if request.chart else None)


def _with_instruments(band: Band, wishes: Wishes) -> Band:
    """The band with the instruments that were asked for, and none that was not wanted."""
    programs = dict(band.programs) | wishes.programs
    for role, program in programs.items():
        if program // 8 in wishes.no_family and role not in wishes.programs:
            programs[role] = next(
                p for p in (*_OTHERS[role], program) if p // 8 not in wishes.no_family or p == program
            )
    soloist = soloist_of(wishes.changes, band.name)
    return replace(band, programs=programs, solo=band.solo if soloist is None else soloist)


def _title(text: str) -> str:
    """A text as a title: cut between words where it is long."""
    if len(text) <= _LONGEST_TITLE:
        return text
    cut = text[: _LONGEST_TITLE - 1]
    words = cut if text[_LONGEST_TITLE - 1].isspace() else cut.rpartition(" ")[0]
    return f"{(words or cut).rstrip(' ,;:-')}…"
