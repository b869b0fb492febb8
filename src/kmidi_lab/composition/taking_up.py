"""What a sentence asks for, put into a song intent where nothing else says it, and a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from kmidi_lab.composition.brief import FASTEST, SLOWEST
from kmidi_lab.composition.extent import SHORTEST
from kmidi_lab.composition.form import LONGEST
from kmidi_lab.composition.taken import Taken, reasons
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.song import SongIntent
from kmidi_lab.wording import many


def taken_up(wishes: Wishes, song: SongIntent, typed: Mapping[str, Any]) -> tuple[SongIntent, list[Taken]]:
    """The intent with what a text says, and a line of each.

    Args:
        wishes: of the text.
        song: what the intent says before.
        typed: settings by name, None where nothing was typed.
    """
    lines: list[Taken] = []

    def take(what: str, value: str, said: str, why: Iterator[str], **fields: Any) -> None:
        nonlocal song
        unused = next(why, "")
        lines.append(Taken(what, value, said.strip("()"), unused))
        if not unused:
            for name, part in fields.items():
                block = song.block_of(name)
                song = replace(song, **{block: replace(getattr(song, block), **{name: part})})

    wish, words = song.constraints, wishes.words
    if wishes.tempo:
        low, high = wishes.tempo
        value = _number(low) if low == high else _number((low + high) / 2)
        outside = "" if low >= SLOWEST and high <= FASTEST else _range("tempos", SLOWEST, FASTEST)
        why = reasons(outside, typed, ("tempo",), wish.technical_tempo_range and f"{_span(wish.technical_tempo_range)}")
        take(
            "tempo",
            value,
            words["tempo"] if low != high else "",
            why,
            technical_tempo_range=(float(low), float(high)),
        )
    tonic, mode = wishes.key
    if tonic or mode:
        asked = " ".join(filter(None, (tonic, mode)))
        known = wish.technical_key or ("" if tonic else wish.technical_mode)
        fields = ({"technical_key": asked} if tonic else {}) | ({"technical_mode": mode} if mode else {})
        take("key" if tonic else "mode", asked, "", reasons("", typed, ("key",), known), **fields)
    if wishes.style:
        why = reasons("", typed, ("style",), wish.technical_genre)
        take("style", wishes.style, words["style"], why, technical_genre=wishes.style)
    if wishes.feel:
        why = reasons("", typed, (), wish.technical_groove_feel)
        take("feel", wishes.feel, words["feel"], why, technical_groove_feel=wishes.feel)
    if wishes.chords:
        lines.append(Taken("chords", wishes.chords, "", next(reasons("", typed, ("chords",), None), "")))
    if wishes.bars is not None:
        outside = "" if SHORTEST <= wishes.bars <= LONGEST else _range("lengths in bars", SHORTEST, LONGEST)
        why = reasons(outside, typed, ("bars", "sections"), song.directive.output_bars)
        take("length", many(wishes.bars, "bar"), words["bars"], why, output_bars=wishes.bars)
    return song, lines


def _range(what: str, least: int, most: int) -> str:
    return f"{what} are {least} to {most}"


def _span(pair: tuple[float, float]) -> str:
    return " to ".join(dict.fromkeys(map(_number, pair)))


_number: Callable[[float], str] = "{:g}".format
