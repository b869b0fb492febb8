"""Puts the terms that a text asks for together: of two that contradict each other the first counts."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.composition.asked_players import is_scored
from kmidi_lab.composition.asked_terms import gives_way
from kmidi_lab.composition.bands import bands, styles_told
from kmidi_lab.composition.blues import TWELVE
from kmidi_lab.composition.in_context import is_thing, is_told, measures, names_players
from kmidi_lab.composition.said_arc import SaidArc
from kmidi_lab.composition.said_form import SaidForm
from kmidi_lab.composition.said_numbers import is_paced
from kmidi_lab.composition.said_pairs import SaidPair
from kmidi_lab.composition.seating import Seats
from kmidi_lab.composition.vocabulary import MUSICAL, Item, nearest_styles, vocabulary
from kmidi_lab.composition.wishes import Wishes

_LINKS = frozenset({"filler", "mood", "owner"})
_OTHER_MODE = {"major": "minor", "minor": "major"}
_LESS = ("less", "not much", "not many", "not so much", "not too much", "fewer")
"""Negations that leave out nothing: what there is less of."""
_WALKING = "walking"
_BLUES, _BLUES_STYLE = "blues", "jazz"
"""A form, and a genre that this style plays where no other is named."""
_LEAST, _MOST = 40, 240
"""Numbers that can be a tempo without a word that says so."""
_PACES = ((88.0, 0.8), (110.0, 1.0), (1000.0, 1.12))
"""What a pace word does to the tempo of a dance: the first whose quarters a minute lie above the word's."""


class Collector:
    """Takes the terms that are asked for, in order; of two that contradict each other the first counts."""

    def __init__(self, form: SaidForm | None, arc: SaidArc, pairs: Sequence[SaidPair]) -> None:
        self._form, self._arc = form, arc.name
        self._tempo: tuple[float, float] | None = None
        self._tonic = self._mode = self._style = self._near = self._character = self._walks = ""
        self._bars: int | None = None
        self._seconds: float | None = None
        self._metres: list[tuple[str, str]] = []
        self._dances: list[tuple[str, str]] = []
        self._paced, self._blues = False, 0
        self._missing: list[str] = []
        self._words: dict[str, str] = {"arc": arc.words} if arc.name else {}
        self.seats = Seats(self._words, self._missing, pairs)

    def take(self, items: Sequence[Item], mark: Sequence[bool]) -> None:
        """The terms of a clause."""
        negated, left_out = "", False
        self.seats.count(items, mark)
        for n, item in enumerate(items):
            if item.kind == "negation":
                negated, left_out = item.text, False
                continue
            if item.text in ("just", "only"):  # such as `no bass just pads`
                negated = ""
            joined = n > 0 and items[n - 1].text in ("or", "nor")
            if left_out and not joined and item.kind in ("pace", "genre", "mode", "key", "tempo", "bars", "head"):
                negated = ""
            if item.kind == "number" and mark[n] and n == len(items) - 1 and (n == 0 or is_paced(items[n - 1])):
                self._bare(item)
            if item.kind not in MUSICAL and item.kind != "head":
                if item.kind not in _LINKS and item.kind != "weak wish":
                    negated = ""
                continue
            if not mark[n]:
                negated = ""
                continue
            if negated in _LESS:
                pass
            elif negated:
                self._left_out(item)
                left_out = True
            else:
                self._taken(items, n, mark)
            goes_on = n + 1 < len(items) and items[n + 1].text in ("or", "nor")
            if item.kind in ("pace", "genre", "mode") and not goes_on:
                negated = ""

    def _bare(self, item: Item) -> None:
        """A number without a unit, where a tempo is meant."""
        if _LEAST <= float(item.value) <= _MOST:
            self._pace(item.text, (float(item.value),) * 2, True)

    def _left_out(self, item: Item) -> None:
        if item.kind == "mode":
            self._mode = self._mode or _OTHER_MODE.get(item.value, "")
        else:
            self.seats.leave_out(item)

    def _taken(self, items: Sequence[Item], n: int, mark: Sequence[bool]) -> None:
        item = items[n]
        kind, text, value = item
        self._near = self._near or (text if text in nearest_styles() else "")
        if kind == "head" and not is_told(items, n):
            if self._character not in vocabulary()["characters"]:  # a song in march tempo is a march
                self._character = text
            if text in vocabulary()["dances"]:
                self._dances.append((text, vocabulary()["dances"][text]))
        elif kind == "metre":
            self._metres.append((text, value))
        following = items[n + 1] if n + 1 < len(items) else Item("", "")
        if kind in ("tempo", "pace"):
            self._pace(text, value, kind == "tempo")
        elif kind in ("key", "tonic"):
            if not self._tonic:
                self._tonic, mode = value
                self._mode = mode or self._mode
                self._words["key"] = text
            elif value[0] != self._tonic or (value[1] and self._mode and value[1] != self._mode):
                self._missing.append(f"no second key ({' '.join(filter(None, value))}): a song keeps one")
        elif kind == "mode":
            self._mode = self._mode or value
        elif kind == "genre" and is_thing(items, n):
            return
        elif kind == "genre" or (kind == "head" and value):
            if text == _BLUES and not self._blues:
                self._blues, self._words["blues"] = TWELVE, text
            if "ballad" in (value, self._style) and value != (self._style or value):  # a jazz ballad is slow jazz
                self._pace("ballad", tuple(vocabulary()["paces"]["slow"]), False)
            before, serves = self._words.get("style", ""), is_scored(item)
            if not self._style or (gives_way(before) and not serves):
                if before in vocabulary()["like_genres"] and value != self._style:
                    self._missing.append(f"no {before} beside {text}: a song has one style")
                self._style, self._words["style"] = value, text
            elif value not in (self._style, "ballad") and text != _BLUES and not serves:
                self._missing.append(f"no {text} beside {before}: a song has one style")
        elif kind == "other_genre":
            self._missing.append(f"no {text}: {styles_told()}")
        elif (kind == "bars" and self._bars is None) or (
            kind == "length" and self._bars is None and following.kind != "number" and not measures(items, n)
        ):
            self._bars, self._words["bars"] = int(value), text
        elif kind == "bars":
            self._missing.append(f"no second length ({text}): a song has one")
        elif kind == "seconds" and self._seconds is None:
            self._seconds, self._words["seconds"] = value, text
        elif kind == "blues form":
            self._blues, self._words["blues"] = value, text
            if not self._style:
                self._style, self._words["style"] = _BLUES_STYLE, _BLUES
        elif kind == "instrument":
            self.seats.instrument(items, n)
        elif kind == "ensemble":
            self.seats.group(item, names_players(items, n))
            if (style := text.split()[0]) in bands() and not self._style:
                self._style, self._words["style"] = style, style
        elif kind == "part":
            self.seats.part(items, n)
            self._walks = self._walks or (text if text.startswith(_WALKING) else "")
        elif kind == "other_instrument":
            self._missing.append(f"no {text}: songs are for instruments of General MIDI, without voices or recordings")

    def _has_character(self) -> None:
        """What the kind of song brings, such as a lullaby, where nothing says it otherwise."""
        told = vocabulary()["characters"].get(self._character)
        if told is None:
            return
        if self._tempo is None:
            self._tempo, self._words["tempo"] = tuple(told["pace"]), f"({self._character})"
        elif self._paced and self._dances:  # a fast jig is faster than a jig, which is fast
            low, high = told["pace"]
            factor = next(f for below, f in _PACES if sum(self._tempo) / 2 < below)
            self._tempo, self._paced = (round(factor * low), round(factor * high)), False
            self._words["tempo"] = f"({self._words['tempo'].strip('()')} {self._character})"
        if told.get("bars") and self._bars is None and self._seconds is None and self._form is None:
            self._bars, self._words["bars"] = told["bars"], self._character
        self._mode = self._mode or (told.get("mode", "") if not self._tonic else "")
        if told.get("style") and not self._style:
            self._style, self._words["style"] = told["style"], self._character
        if not told["drums"]:
            self.seats.without_drums(self._character)

    def _pace(self, text: str, value: tuple[float, float], exact: bool) -> None:
        if text.startswith("not ") and self._tempo is not None:  # such as `not too slow, not too fast`
            return
        if self._tempo is None or (exact and "(" in self._words["tempo"]):
            self._tempo, self._words["tempo"] = value, text if exact else f"({text})"
            self._paced = not exact
        elif exact != self._words["tempo"].startswith("(") and value != self._tempo:
            self._missing.append(f"no second tempo ({text}): a song keeps one")

    def wishes(self) -> Wishes:
        """What was asked for in all."""
        self._has_character()
        if self._near and not self._style:
            self._style, self._words["style"] = nearest_styles()[self._near], self._near
        programs, left = self.seats.seated(self._style)
        if self._walks and "bass" not in left:
            self._words["walking"] = self._walks
        return Wishes(
            self._tempo, (self._tonic, self._mode), self._style, self._bars, self._seconds, self._form, self._arc,
            programs, left, self.seats.families, tuple(dict.fromkeys(self._missing)), self._words,
            (*self._metres, *self._dances), self._paced, second=self.seats.second,
            throughout=("bass",) if "walking" in self._words else (), blues=self._blues,
        )  # fmt: skip
