"""What a sentence asks of a song in plain musical terms: tempo, key, genre, length, instruments, and parts to leave out.

Most sentences tell what happened, and a word such as `rock`, `minor` or `without` means nothing musical there. So a term
counts only where it is asked for: beside a word for a song (`a slow jazz song`), after a wish (`make it fast`), in a list of
terms (`slow, sad, piano`), or where it can mean nothing else (`in D minor`, `70 bpm`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from kmidi_lab.composition.bands import bands, styles_told
from kmidi_lab.composition.languages import ENGLISH, language_of, with_keys
from kmidi_lab.composition.said_chords import take_chords
from kmidi_lab.composition.said_feel import not_done, take_feel
from kmidi_lab.composition.said_form import SaidForm, take_arc, take_form
from kmidi_lab.composition.words import MUSICAL, OTHER, Item, clauses, vocabulary

ROLES = ("lead", "chords", "pad", "bass", "drums")
_BREAKS = frozenset({OTHER, "stop", "story", "owner", "order"})
_LINKS = frozenset({"filler", "mood", "owner"})
_BEFORE_PLAYERS = ("filler", "mood", "pace", "mode", "genre", "wish", "weak wish", "order")
"""Kinds that may stand before a group of players that is asked for, as in `a slow string quartet that grows`."""
_NAMING = ("instrument", "other_instrument", "part", "ensemble", "genre", "head")
"""Kinds that name players, or music: beside one of these a solo is a part of it."""
_PAIR = ("duet", "duo")
"""What two players are called, of whom no third plays."""
_KEYBOARDS = (*range(8), *range(16, 21), 46)
"""Programs that play chords and bass at once."""
_ONLY = ("only", "just", "solo", "alone", "strictly", "purely", "unaccompanied")
_ROLE_WORDS = {"melody": "lead", "lead": "lead", "solo": "lead", "tune": "lead", "line": "lead", "chords": "chords",
               "accompaniment": "chords", "comping": "chords", "pad": "pad", "pads": "pad", "bass": "bass"}  # fmt: skip
_PREPOSITIONS = ("with", "in", "at", "on", "for", "featuring", "feat", "using")
_PEOPLE = ("i", "me", "you", "we", "us", "he", "him", "she", "they", "them", "i'm", "i've")
_OF_MUSIC = (MUSICAL - {"key", "tonic", "mode", "seconds", "length"}) | {"head", "wish", "weak wish"}
"""Kinds of which one is enough for a text to be of music."""
_LOW = 41
"""Who plays down to this pitch can play the bass."""
_COUNTS = ("three", "six", "3", "6")
"""Metres whose words count anything else, too."""
_OTHER_MODE = {"major": "minor", "minor": "major"}
_LESS = ("less", "not so much", "not too much", "fewer")
"""Negations that leave out nothing: what there is less of."""
_LEAST, _MOST = 40, 240
"""Numbers that can be a tempo without a word that says so."""
_PACES = ((88.0, 0.8), (110.0, 1.0), (1000.0, 1.12))
"""What a pace word does to the tempo of a dance: the first whose quarters a minute lie above the word's."""
_FARTHEST = 6
"""Terms before a word for a song that may belong to it."""


@dataclass(frozen=True)
class Wishes:
    """What a text asks for; None and empty are nothing. `words` are those that said each.

    Args:
        tempo: (lowest, highest), quarters a minute.
        key: tonic and mode, either may be empty.
        style: name of a style.
        bars: of the song.
        seconds: of the song, where it says no bars.
        form: the sections that it names.
        arc: KmiDi's name of how the song goes on, where its beginning and end say so.
        programs: General MIDI's number of each part's instrument, by `ROLES`.
        without: parts to leave out, of `ROLES`.
        no_family: families of General MIDI that shall not play, 0..15.
        missing: what is asked for and can't be had.
        metres: words and the metre that each asks for; written ones before dances.
        paced: whether a word such as slow says the tempo, and nothing else.
        feel: KmiDi's name of a feel.
        chords: as they are typed for `compose.chords`.
        language: that the text seems to be in; of others than English little is read.
    """

    tempo: tuple[float, float] | None = None
    key: tuple[str, str] = ("", "")
    style: str = ""
    bars: int | None = None
    seconds: float | None = None
    form: SaidForm | None = None
    arc: str = ""
    programs: dict[str, int] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    no_family: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
    words: dict[str, str] = field(default_factory=dict)
    metres: tuple[tuple[str, str], ...] = ()
    paced: bool = False
    feel: str = ""
    chords: str = ""
    language: str = ENGLISH


def read_sentence(text: str) -> Wishes:
    """What a text asks for; whatever it says, nothing is refused here."""
    language = language_of(text)
    chords, text = take_chords(text)
    wishes = (_read_english if language == ENGLISH else _read_other)(with_keys(text))
    words = wishes.words | ({"chords": chords} if chords else {})
    return replace(wishes, chords=chords, words=words, language=language)


def _read_other(text: str) -> Wishes:
    """What musicians call alike in many languages, of a text that is not in English: tempo, key, metre and dances."""
    out = _Collector(None, ("", ""))
    for items in clauses(text):
        out.take(items, [_is_international(item) for item in items])
    return out.wishes()


def _is_international(item: Item) -> bool:
    written = item.kind == "metre" and "/" in item.text
    named = item.text in vocabulary()["italian"] or item.text in vocabulary()["dances"]
    return item.kind in ("tempo", "key") or written or named


def _read_english(text: str) -> Wishes:
    arc = take_arc(text)
    impossible = not_done(re.sub(re.escape(arc[1]), ", ", text, flags=re.I) if arc[1] else text)
    form, text = take_form(text)
    feel, text = take_feel(text)
    groups = clauses(text)
    if groups and not any(i.kind in _NAMING for items in groups[1:] for i in items):
        _alone(groups[0])
    music = any(i.kind in _OF_MUSIC for items in groups for i in items)
    groups = [[i for n, i in enumerate(items) if i.kind != "key" or _is_key(items, n, music)] for items in groups]
    groups = [items for items in groups if items]
    marks = [_asked(items) for items in groups]
    asks = any(a for _, a in marks)
    asks = asks or form is not None or bool(feel.name)
    lists = [not any(i.kind in (OTHER, "stop", "story", "order") for i in items) for items in groups]
    runs = _runs(groups, lists)
    out = _Collector(form, arc)
    for n, (items, (mark, _)) in enumerate(zip(groups, marks, strict=True)):
        alone = (asks or runs[n] or all(lists)) and len(items) == 1  # such as the 120 in `jazz, D minor, 120`
        musical = [i for i in items if i.kind in MUSICAL or i.kind == "head" or (alone and i.kind == "number")]
        if lists[n] and musical and not (items[0].kind == "owner" and len(musical) == 1):
            last = n == len(groups) - 1 and {i.kind for i in musical} <= {"genre", "other_genre", "key"}
            last = last or any(i.text in _ONLY for i in items)  # such as `piano only`
            if asks or runs[n] or all(lists) or len(musical) > 1 or last or items[0].kind == "negation":
                mark = [True] * len(items)
        if asks:
            mark = [a or b for a, b in zip(mark, _phrases(items), strict=True)]
        out.take(items, mark)
    wishes = out.wishes()
    words = wishes.words | ({"feel": feel.words} if feel.name else {})
    second = [f"no second feel ({other}): a song has one" for other in feel.others]
    return replace(wishes, feel=feel.name, words=words, missing=(*wishes.missing, *second, *impossible))


def _runs(groups: Sequence[Sequence[Item]], lists: Sequence[bool]) -> list[bool]:
    """Whether each clause is of terms alone and so is one beside it, as in `I can't sit still, house, 124`."""
    terms = [
        lists[n]
        and items[0].kind != "owner"
        and any(i.kind in MUSICAL or (i.kind == "number" and len(items) == 1) for i in items)
        for n, items in enumerate(groups)
    ]
    return [on and any(terms[k] for k in (n - 1, n + 1) if 0 <= k < len(terms)) for n, on in enumerate(terms)]


def _alone(items: list[Item]) -> None:
    """A text that is a `tuba solo` and no more is of that instrument alone."""
    kinds = [i.kind for i in items]
    before = all(i.kind in ("filler", "mood", "pace", "mode") and i.text not in _PREPOSITIONS for i in items[:-2])
    if len(items) > 1 and kinds[-2] in ("instrument", "part") and items[-1].text == "solo" and before:
        items[-1] = Item("filler", "alone")


def _is_key(items: Sequence[Item], n: int, music: bool) -> bool:
    """Whether a key is one: not before a noun (`C major surgery`), nor where people are told of and no music is."""
    following = items[n + 1] if n + 1 < len(items) else Item("filler", "")
    noun = following.kind == OTHER and not following.text.endswith(("ing", "ed", "ly"))
    if noun and not any(i.kind in _OF_MUSIC for i in items[:n]):
        return False
    told_of = any(i.text in _PEOPLE or i.kind == "story" for i in items[:n]) and any(i.kind == OTHER for i in items[:n])
    return music or not told_of


def _is_metre(items: Sequence[Item], n: int) -> bool:
    """Whether a metre can mean nothing else, as in `a lament in 3/4`, where nobody does anything."""
    sure = items[n].kind == "metre" and items[n].text not in _COUNTS  # such as `a house divided in three`
    if not sure or n == 0 or items[n - 1].text != "in":
        return False
    return not any(i.text in _PEOPLE or i.kind == "story" for i in items[:n])


def _is_sure(items: Sequence[Item], n: int) -> bool:
    """Whether a term can mean nothing else: one of several written metres, or a dance with an article that begins a text."""
    if items[n].kind == "metre":
        written = {i.text for i in items if i.kind == "metre" and "/" in i.text}
        return items[n].text in written and len(written) > 1 and not any(i.text in _PEOPLE for i in items)
    sure = items[n].text in vocabulary()["sure_other_genres"] and items[n].kind == "other_genre"
    return sure and all(i.kind in _BEFORE_PLAYERS for i in items[:n])


def _asked(items: Sequence[Item]) -> tuple[list[bool], bool]:
    """Which terms of a clause are asked for, and whether any word for a song or a wish does it."""
    mark = [i.kind in ("tempo", "key") or _is_metre(items, n) or _is_sure(items, n) for n, i in enumerate(items)]
    asks = any(mark)
    for n, item in enumerate(items):
        opens = item.kind == "ensemble" and all(i.kind in _BEFORE_PLAYERS for i in items[:n])
        if item.kind == "head" or opens or (item.kind == "genre" and (_is_wished(items, n) or _stands_alone(items, n))):
            first = None if item.text in vocabulary()["characters"] and _tells(items[:n]) else _first_of(items, n)
            if first is None:
                continue
            asks = True
            mark[first : n + 1] = [True] * (n + 1 - first)
            _onward(items, n + 1, mark)
        elif item.kind == "wish" or (item.kind == "order" and all(i.kind in ("filler", "mood") for i in items[:n])):
            before = any(mark)
            _onward(items, n + 1, mark)
            asks = asks or (any(mark) and not before)
        elif item.kind == "weak wish":
            own = [False] * len(items)
            _onward(items, n + 1, own)
            mark = [
                a or (b and i.kind in ("pace", "genre", "other_genre", "mode", "metre"))
                for a, b, i in zip(mark, own, items, strict=True)
            ]
    return mark, asks


def _tells(items: Sequence[Item]) -> bool:
    """Whether somebody does something, and wishes for nothing, as in `she painted a nocturne`."""
    wished = any(i.kind in ("wish", "weak wish", "order") for i in items)
    return not wished and any(i.text in _PEOPLE for i in items)


def _is_wished(items: Sequence[Item], n: int) -> bool:
    """Whether a genre stands for a song by itself: after a wish, without an article, as in `give me some slow jazz`."""
    for k in range(n - 1, -1, -1):
        if items[k].kind in ("wish", "weak wish"):
            return not any(i.text in ("a", "an") or i.kind == "owner" for i in items[k:n])
        if items[k].kind not in ("filler", "mood", "pace", "genre", "mode", "length"):
            return False
    return False


def _stands_alone(items: Sequence[Item], n: int) -> bool:
    """Whether a genre's word can mean nothing else, and describes nothing else, as in `slow jazz about the sea`."""
    following = items[n + 1].kind if n + 1 < len(items) else "filler"
    return items[n].text in vocabulary()["sure_genres"] and following != OTHER


def _first_of(items: Sequence[Item], head: int) -> int | None:
    """Where the words before a word for a song begin that belong to it; None where it is told of, not asked for."""
    first = head
    while (
        first > 0
        and head - first < _FARTHEST
        and items[first - 1].kind not in ("stop", "story", "owner", "wish", "weak wish", "negation")
    ):
        if items[first - 1].text in _PREPOSITIONS and items[first - 1].text != "for":
            break
        first -= 1
    before = items[:first]
    wished = any(i.kind in ("wish", "weak wish") for i in before)
    if before and before[-1].kind in ("owner", "negation") and not wished:
        return None
    if any(i.kind == "story" for i in before) and not wished:
        return None
    if items[head].text in ("beat", "beats", "groove", "theme", "loop", "jam", "piece", "track", "number") and not any(
        i.kind in MUSICAL or i.kind == "wish" for i in items[:head]
    ):
        return None
    while first < head and (items[first].kind == OTHER):
        first += 1
    return first


def _onward(items: Sequence[Item], start: int, mark: list[bool]) -> None:
    """Marks what goes on from a place, up to a word that is none of ours; what describes that word is not meant."""
    start += start < len(items) and items[start].text in ("it", "me", "us")
    end = start
    while end < len(items) and (items[end].kind not in _BREAKS or (items[end].kind == "owner" and end == start)):
        end += 1
    if end < len(items) and items[end].kind == OTHER:
        while end > start and items[end - 1].kind in MUSICAL - {"tempo", "key", "bars"}:
            end -= 1
    mark[start:end] = [True] * (end - start)


def _phrases(items: Sequence[Item]) -> list[bool]:
    """Phrases such as `with a piano` and `without drums`, in a text that asks for a song."""
    mark = [False] * len(items)
    for n, item in enumerate(items):
        if item.kind != "negation" and item.text not in ("with", "featuring", "feat", "using", "in", "on"):
            continue
        if n and items[n - 1].text == "live":
            continue
        end = n + 1
        while end < len(items) and items[end].kind not in _BREAKS:
            end += 1
        if (
            end == n + 1 < len(items) and items[end].text == "the" and item.kind != "negation"
        ):  # such as `on the violin`
            end = n + 3 if [i.kind for i in items[n + 2 :]] == ["instrument"] else end
        closed = end == len(items) or items[end].kind == "stop"
        if closed and end > n + 1:
            mark[n:end] = [True] * (end - n)
    return mark


class _Player(NamedTuple):
    """An instrument that is asked for: its program, its own part, and whether the text binds it to that part."""

    program: int
    role: str
    chordal: bool
    text: str
    bound: bool

    @property
    def fades(self) -> bool:
        """Whether its tones die away, so that it holds no pad: keys, bars, and what is plucked."""
        return self.program // 8 in (0, 1) or self.program in vocabulary()["plucked"]

    @property
    def low(self) -> bool:
        """Whether it can play the bass."""
        low = vocabulary()["ranges"].get(self.program, (_LOW + 1,))[0] <= _LOW
        return bool(low and not self.chordal)


class _Collector:
    """Takes the terms that are asked for, in order; of two that contradict each other the first counts."""

    def __init__(self, form: SaidForm | None, arc: tuple[str, str]) -> None:
        self._form, self._arc = form, arc[0]
        self._tempo: tuple[float, float] | None = None
        self._tonic = self._mode = self._style = ""
        self._bars: int | None = None
        self._seconds: float | None = None
        self._programs: dict[str, int] = {}
        self._asked: list[_Player] = []
        self._only = self._two = False
        self._character = ""
        self._metres: list[tuple[str, str]] = []
        self._dances: list[tuple[str, str]] = []
        self._paced = False
        self._with: set[str] = set()
        self._without: list[str] = []
        self._families: list[int] = []
        self._missing: list[str] = []
        self._words: dict[str, str] = {"arc": arc[1]} if arc[0] else {}

    def take(self, items: Sequence[Item], mark: Sequence[bool]) -> None:
        """The terms of a clause."""
        negated, left_out = "", False
        self._two = self._two or any(m and i.text in _PAIR for i, m in zip(items, mark, strict=True))
        for n, item in enumerate(items):
            if item.kind == "negation":
                negated, left_out = item.text, False
                continue
            joined = n > 0 and items[n - 1].text in ("or", "nor")
            if left_out and not joined and item.kind in ("pace", "genre", "mode", "key", "tempo", "bars", "head"):
                negated = ""
            if item.kind == "number" and mark[n] and (n == 0 or items[n - 1].text == "at") and n == len(items) - 1:
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
        if item.kind == "part" or item.text in ("beat", "beats", "tune"):
            role = item.value if item.kind == "part" else {"tune": "lead"}.get(item.text, "drums")
            self._without.append(role)
            self._words.setdefault(role, item.text)
        elif item.kind == "instrument":
            program, role, _ = item.value
            if role == "bass":
                self._without.append(role)
                self._words.setdefault(role, item.text)
            else:
                self._families.append(program // 8)
                self._words.setdefault(f"family {program // 8}", item.text)

    def _taken(self, items: Sequence[Item], n: int, mark: Sequence[bool]) -> None:
        item = items[n]
        kind, text, value = item
        if kind == "head" and not _is_told(items, n):
            self._character = self._character or text
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
        elif kind == "genre" and _is_thing(items, n):
            return
        elif kind == "genre" or (kind == "head" and value):
            if not self._style or self._words.get("style") in vocabulary()["gentle"]:
                self._style, self._words["style"] = value, text
            elif value not in (self._style, "ballad"):
                self._missing.append(f"no {text} beside {self._words['style']}: a song has one style")
        elif kind == "other_genre":
            self._missing.append(f"no {text}: {styles_told()}")
        elif (kind == "bars" and self._bars is None) or (
            kind == "length" and self._bars is None and following.kind != "number" and not _measures(items, n)
        ):
            self._bars, self._words["bars"] = int(value), text
        elif kind == "seconds" and self._seconds is None:
            self._seconds, self._words["seconds"] = value, text
        elif kind == "blues form":
            self._style, self._words["style"] = self._style or "jazz", "blues"
            self._missing.append("no twelve-bar form: type its chords with compose.chords")
        elif kind == "instrument":
            self._instrument(items, n)
        elif kind == "ensemble":
            self._programs |= {role: program for role, program in value.items() if role != "drums"}
            self._words |= {f"program {role}": text for role in value if role != "drums"}
            self._with |= {"drums"} & {*value}
            self._only = True
            self._words.setdefault("alone", text)
            if (style := text.split()[0]) in bands() and not self._style:
                self._style, self._words["style"] = style, style
        elif kind == "part":
            self._with.add(value)
            self._only = self._only or _is_only(items, n)
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
        if told.get("style") and not self._style:
            self._style, self._words["style"] = told["style"], self._character
        if not told["drums"] and "drums" not in {*self._with, *self._without}:
            self._without.append("drums")
            self._words["drums"] = self._character

    def _pace(self, text: str, value: tuple[float, float], exact: bool) -> None:
        if self._tempo is None or (exact and "(" in self._words["tempo"]):
            self._tempo, self._words["tempo"] = value, text if exact else f"({text})"
            self._paced = not exact
        elif exact != self._words["tempo"].startswith("(") and value != self._tempo:
            self._missing.append(f"no second tempo ({text}): a song keeps one")

    def _instrument(self, items: Sequence[Item], n: int) -> None:
        program, role, chordal = items[n].value
        after = items[n + 1].text if n + 1 < len(items) else ""
        before = items[n - 1].text if n else ""
        alone = _is_only(items, n)
        if not alone:
            role = _ROLE_WORDS.get(after, "lead" if before == "lead" else role)
        if after in _ROLE_WORDS or program not in {*self._programs.values(), *(p.program for p in self._asked)}:
            bound = after in _ROLE_WORDS or before == "lead"
            self._asked.append(_Player(program, role, chordal, items[n].text, bound))
        self._only = self._only or alone

    def _seated(self) -> dict[str, int]:
        """The program of each part: each instrument in its own part first, the others in parts that are open."""
        programs, others = dict(self._programs), []
        closed = {*self._without}
        for player in sorted(self._asked, key=lambda p: (not p.bound, p.low)):
            if player.role in closed | {*programs}:
                others.append(player)
            else:
                programs[player.role], self._words[f"program {player.role}"] = player.program, player.text
        closed |= self._with
        for player in others:
            roles = (
                "lead",
                *(("bass",) if player.low else ()),
                *(("chords", "pad") if player.fades else ("pad", "chords")),
            )
            role = next((r for r in roles if r not in closed | {*programs}), "")
            if role:
                programs[role], self._words[f"program {role}"] = player.program, player.text
            else:
                self._missing.append(f"no {player.text}: no part is left for it")
        usual = vocabulary()["in_style"].get(self._style, {})
        for role, program in programs.items():
            if self._words.get(f"program {role}") in ("guitar", "guitars"):
                programs[role] = usual.get(role, program)
        return programs

    def wishes(self) -> Wishes:
        """What was asked for in all."""
        self._has_character()
        programs, without = self._seated(), list(self._without)
        self._only = self._only or (self._two and len(programs) == len(_PAIR))
        if self._only and programs:
            if len(programs) == 1 and not self._with and not any(p.chordal or p.bound for p in self._asked):
                [(role, program)] = programs.items()
                programs = {"lead": program}
                self._words["program lead"] = self._words.pop(f"program {role}")
            elif len(programs) == 1 and any(player.chordal for player in self._asked) and not self._with:
                program = next(iter(programs.values()))
                programs = dict.fromkeys(("lead", "chords", "bass"), program)
                self._words |= {
                    f"program {role}": next(t for k, t in self._words.items() if k.startswith("program"))
                    for role in programs
                }
            elif programs.get("chords") in _KEYBOARDS and self._two and "bass" not in {*programs, *self._with}:
                programs["bass"], self._words["program bass"] = programs["chords"], self._words["program chords"]
            without += [role for role in ROLES if role not in programs and role not in self._with]
        elif self._only:
            without += [role for role in ROLES if role not in self._with]
        left = tuple(role for role in ROLES if role in without)
        return Wishes(
            self._tempo, (self._tonic, self._mode), self._style, self._bars, self._seconds, self._form, self._arc,
            {role: p for role, p in programs.items() if role not in left}, left, tuple(dict.fromkeys(self._families)),
            tuple(dict.fromkeys(self._missing)), self._words, (*self._metres, *self._dances), self._paced,
        )  # fmt: skip


def _measures(items: Sequence[Item], n: int) -> bool:
    """Whether a word such as `long` stands behind a length in figures, as in `4 minutes long`."""
    return (
        n > 0
        and items[n - 1].kind in ("seconds", "bars", "filler")
        and any(i.kind in ("seconds", "bars") for i in items[max(0, n - 2) : n])
    )


def _is_told(items: Sequence[Item], n: int) -> bool:
    """Whether a dance is what a text tells of, as in `life is a waltz` or `the minuet class`, and no song is one."""
    if items[n].text not in vocabulary()["dances"]:
        return False
    words = [item.text for item in items]
    told = n + 1 < len(words) and words[n + 1] in vocabulary()["told_dances"]
    is_one = [k for k in range(max(1, n - 3), n) if words[k] in ("is", "was", "are", "were")]
    return told or any(
        words[k - 1] not in ("it", "this", "that", "which", "rhythm") and items[k - 1].kind not in ("head", "weak wish")
        for k in is_one
    )


def _is_thing(items: Sequence[Item], n: int) -> bool:
    """Whether a genre's word with an article means a thing, as in `I need a rock`."""
    after = items[n + 1] if n + 1 < len(items) else None
    k = n - 1
    while k > 0 and items[k].text in vocabulary()["qualifiers"]:
        k -= 1
    article = k >= 0 and items[k].text in ("a", "an")
    article = article and items[n].text not in ("blues", *vocabulary()["sure_genres"])
    goes_on = after and (
        after.kind in MUSICAL or after.kind in ("head", "mood") or after.text in ("style", "feel", "vibe")
    )
    return article and not goes_on


def _is_only(items: Sequence[Item], n: int) -> bool:
    """Whether `only`, `solo` or the like stands beside an instrument; after it, `solo` is a solo of it."""
    k = n - 1
    while k >= 0 and (
        items[k].kind == "mood"
        or items[k].text in ("a", "an", "the", "for", "with", "one", "and")
        or items[k].kind in ("part", "instrument")
    ):
        k -= 1
    if k >= 0 and items[k].text in _ONLY:
        return True
    return n + 1 < len(items) and items[n + 1].text in ("only", "alone")
