"""What a person is told of a request: what was taken of the text, what is not used and why, what can't be had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kmidi_lab.composition.bands import band_of_genre, styles_told
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.extent import SHORTEST
from kmidi_lab.composition.form import LONGEST, LONGEST_SECTION, MOST_SECTIONS
from kmidi_lab.composition.glossary import knows
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.taken import Taken, reasons
from kmidi_lab.composition.vocabulary import vocabulary
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.wording import many

_FREE = "Rubato/Free"


def told_of(request: SongRequest, brief: Brief) -> list[str]:
    """What the text asks for in musical terms, a line each: taken, not used and why, or not to be had."""
    lines = [*map(str, taken_lines(request, brief)), *request.wishes.missing]
    form = request.wishes.form
    if form and not request.typed["sections"]:
        if request.form is None:
            lines.append(f"a form of {len(form.kinds)} sections is not used: a song has {MOST_SECTIONS} at most")
        elif brief.blues or request.rows:
            pass  # whole rounds, of which `planning` tells
        elif request.extent.bars(brief.tempo, brief.metre) not in (None, brief.bars):
            lines.append(
                f"the song has {brief.bars} bars: each of the form's {len(form.kinds)} sections has 1 to {LONGEST_SECTION}"
            )
        elif uneven := request.extent.uneven(brief.tempo, brief.metre):
            lines.append(uneven)
    mode = request.wishes.key[1] or request.song.mode
    if mode and mode not in ("major", "minor") and request.spelling is None:
        lines.append(
            f"songs are in major or minor, so {mode} is played as {'minor' if brief.key.mode < 0 else 'major'}"
        )
    lines += request.other_metres
    genre = request.song.constraints.technical_genre
    if genre and not request.style and band_of_genre(genre) is None:
        lines.append(f"no style for the intent's genre {genre}, so {brief.band.name} by the mood; {styles_told()}")
    if request.song.constraints.technical_groove_feel == _FREE:
        lines.append(f"the feel {_FREE} is played straight: a song keeps a steady tempo")
    if request.wishes.language != ENGLISH:
        lines.append(f"the text seems to be {request.wishes.language}, not English: {_read(request.wishes.language)}")
    if not brief.metre.swings:
        lines.append(
            f"{brief.tempo:g} quarters a minute are {brief.tempo / brief.metre.strong:.0f} beats in {brief.metre.name}"
        )
        lines += [f"eighths are not swung in {brief.metre.name}"] if brief.band.swing else []
    return lines


def taken_lines(request: SongRequest, brief: Brief) -> list[Taken]:
    """What the text asks for and a song can have."""
    known = request.song.directive.output_bars
    lasts = brief.bars * brief.metre.bar * 60 / brief.tempo
    length = length_line(request.wishes, brief.bars, lasts, request.typed, known)
    lines = [*request.said_lines, *([length] if length else []), *_band_lines(request.wishes)]
    asked = request.asked_metre
    if asked and (asked is not request.metre or (asked is not COMMON and not request.typed["metre"])):
        lines.append(_metre_line(request.metre_words, asked.name, request.typed, request.metre_source))
    lines += [Taken("beginning", "faded", request.wishes.opening)] if request.wishes.opening else []
    if course := request.wishes.course:
        lines.append(Taken("tempo", f"{course} and {course}", request.wishes.words["course"]))
    lines += [Taken("ending", how, words) for how, words in request.wishes.ending._asdict().items() if words]
    if request.wishes.blues:
        lines.append(_blues_line(request, brief))
    known = request.song.get("narrative_arc")
    if arc := request.wishes.arc:
        lines.append(Taken("arc", arc, request.wishes.words["arc"], f"the intent says {known}" if known else ""))
    elif brief.arc_asked and not known:
        lines.append(Taken("arc", brief.arc, ""))
    if form := request.wishes.form:
        typed = request.typed["sections"]
        lines.append(
            Taken("form", ", ".join(form.kinds), form.words, f"compose.sections={typed} was typed" if typed else "")
        )
    return lines


def _blues_line(request: SongRequest, brief: Brief) -> Taken:
    """That a song is a blues, or why it is none."""
    words, bars = request.wishes.words["blues"], len(brief.blues)
    if not bars:
        own = "compose.chords was typed" if request.typed["chords"] else "the chords of the text are played"
        return Taken("blues", f"rounds of {request.wishes.blues} bars", "", own)
    none = "" if bars == request.wishes.blues else f"; there is none of {request.wishes.blues}"
    return Taken("blues", f"rounds of {bars} bars{none}, {' | '.join(brief.blues)}", words)


def length_line(wishes: Wishes, bars: int, seconds: float, typed: Mapping[str, Any], known: int | None) -> Taken | None:
    """The line of a length in seconds, which a song of `bars` bars comes nearest to; None where none was asked for.

    Args:
        wishes: of the text.
        bars: of the song.
        seconds: that these last.
        typed: settings by name, None where nothing was typed.
        known: bars that the intent says.
    """
    if wishes.seconds is None or wishes.bars is not None:
        return None
    unused = next(reasons("", typed, ("bars", "sections"), known), "")
    words = wishes.words["seconds"]
    if unused:
        return Taken("length", words, "", unused)
    limits = {LONGEST: "but no song is longer", SHORTEST: "but no song is shorter"}
    short = limits.get(bars, "as near as its form comes")
    far = seconds < 0.9 * wishes.seconds or (bars == SHORTEST and seconds > 1.5 * wishes.seconds)
    return Taken("length", many(bars, "bar"), f"{words}, {short}" if far else words)


def _band_lines(wishes: Wishes) -> list[Taken]:
    """A line of each instrument and of the parts that are left out."""
    said = {role: wishes.words.get(f"program {role}", "") for role in wishes.programs}
    by: dict[str, list[str]] = {}
    for role, name in said.items():
        by.setdefault(name, []).append(role)
    lines = [Taken(f"{name} for", _and(map(_called, roles)), "") for name, roles in by.items()]
    alone = wishes.words.get("alone", "")
    rest = [role for role in wishes.without if alone and role not in wishes.words]
    usual = vocabulary()["characters"]  # a lullaby has no drums, which is no news
    if said_out := [role for role in wishes.without if role not in rest and wishes.words.get(role) not in usual]:
        lines.append(Taken("without", _and(map(_called, said_out)), ""))
    if rest:
        lines.append(Taken("without", _and(map(_called, rest)), f"a {alone} plays alone"))
    if second := wishes.words.get("second"):
        lines.append(Taken(f"second {second} for", "a line in thirds and sixths below the melody", ""))
    if walks := wishes.words.get("walking"):
        lines.append(Taken("bass", "walking", walks))
    lines += [Taken("without", name, "") for key, name in wishes.words.items() if key.startswith("family ")]
    return lines


def _metre_line(asked: str, name: str, typed: Mapping[str, Any], source: str) -> Taken:
    """The line of a metre that the words `asked` for, one that songs have."""
    return Taken("metre", name, asked, next(reasons("", typed, ("metre",), None), ""), source)


def _read(language: str) -> str:
    """What is read of a text in a language."""
    if knows(language):
        return "its words for music and for feelings are read, no others"
    return "only tempo, key, metre, chords, dances and genres are read of it, in Latin letters"


def _and(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _called(role: str) -> str:
    return {"lead": "melody"}.get(role, role)
