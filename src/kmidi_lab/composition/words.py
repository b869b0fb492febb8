"""A sentence as groups of musical terms and other words, among which `asked_terms.py` sees what is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from kmidi_lab.chords.asking import lexicon
from kmidi_lab.composition.bands import bands, genres
from kmidi_lab.composition.tables import table

OTHER = "?"
"""The kind of a word that says nothing here."""
MUSICAL = frozenset(
    {"tempo", "pace", "key", "tonic", "mode", "genre", "other_genre", "bars", "seconds", "length", "instrument",
     "other_instrument", "part", "metre", "blues form", "ensemble"}
)  # fmt: skip
"""Kinds that say something of a song where they are asked for."""


class Item(NamedTuple):
    """A term of a sentence: its kind, its words in lower case, and what they mean."""

    kind: str
    text: str
    value: Any = None


_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_SPOKEN = rf"(?:(?:one|a|two) hundred(?: and)?(?: (?:{'|'.join(_TENS)}))?(?:[ -](?:{'|'.join(_NUMBERS[:9])})\b)?" \
          rf"|(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_NUMBERS[:9])})\b)?|\b(?:{'|'.join(_NUMBERS)})\b)"  # fmt: skip
_NUMBER = rf"(?:\d{{1,4}}(?:[.,]\d+)?|{_SPOKEN})"
_PER_MINUTE = r"(?:bpm\b|b\.p\.m\.?|(?:beats?|quarters?|quarter notes?) ?(?:per|a|/) ?min(?:ute)?s?\b)"
_DOTTED = re.compile(rf"(?:♩\.|dotted quarter(?: note)?s?)(?: ?=| at| is)? ?(?P<low>{_NUMBER})", re.I)
_TEMPOS = (
    _DOTTED,
    re.compile(rf"(?P<low>{_NUMBER}) ?(?:(?:-|–|to|or|and) ?(?P<high>{_NUMBER}) ?)?-?{_PER_MINUTE}", re.I),
    re.compile(rf"(?:tempo|bpm)(?: of| is| at|:|=| around| about)* ?(?P<low>{_NUMBER})(?! ?(?:%|years?|/))", re.I),
    re.compile(rf"(?:♩|quarter(?: note)?s?) ?= ?(?P<low>{_NUMBER})", re.I),
)
_BODY = re.compile(r"\b(?:heart|heartbeat|heart ?rate|pulse)\b(?:\W+[\w']+){0,5}\W*$", re.I)
"""What stands before beats a minute that are no song's."""
_NEARLY = r"(?:(?:about|around|roughly|approximately) )?"
_BARS = re.compile(rf"{_NEARLY}(?P<n>{_NUMBER})[ -](?:bars?|measures?)\b(?P<blues> blues\b)?", re.I)
_TIME = re.compile(
    rf"{_NEARLY}(?P<n>{_NUMBER}|an?|half an?)(?P<half> and a half)?[ -](?P<unit>minutes?|mins?|seconds?|secs?)\b", re.I
)
_HOURS = re.compile(
    rf"(?:(?<=of )about )?(?P<n>{_NUMBER}|an?|half an?)(?P<half> and a half)?[ -](?P<unit>hours?)\b", re.I
)
"""Without `about`, unless `of` stands before: a song about an hour tells of one."""
_UNITS = {"h": 3600, "m": 60, "s": 1}
_CLOCK = re.compile(r"(?P<m>\d{1,2}):(?P<s>[0-5]\d)(?: minutes?\b| mins?\b|(?= long\b))", re.I)
_COUNTED = {"three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "nine": 9, "twelve": 12}
_COUNTS = "|".join(_COUNTED)
_METRE = re.compile(
    rf"(?:(?<![\d/])(?P<n>\d{{1,2}}) ?/ ?(?P<unit>2|4|8|16)(?![\d/])(?! of\b)|(?P<said>{_COUNTS})[ -](?P<of>four|eight)\b|(?P<quarters>¾))(?: ?(?:time|feel|metre|meter)\b)?"
    rf"|(?P<kind>triple|compound|odd) (?:time|met(?:er|re))\b|three[ -]quarter time\b"
    rf"|(?P<beats>\d{{1,2}}|{_COUNTS}) beats (?:per|to the|to a|in a|a) (?:bar|measure)\b"
    rf"|(?P<alone>(?<=\bin )(?:three|six|3|6))(?= *(?:$|[,.;!?)]|(?:time|feel|please)\b))",
    re.I,
)
_MODES = "major|minor|maj|min|dorian|phrygian|lydian|mixolydian|aeolian|locrian|ionian"
_KEY = re.compile(
    rf"(?P<tonic>[A-Ga-g])(?P<sign>[#♯b♭]|[ -]?(?:sharp|flat)\b)?(?:[ -]?(?P<mode>{_MODES})\b|(?P<m>m)(?![\w'’-]))?"
    r"(?![\w'’#&/]|-\w)"
)
_OF_KEY = re.compile(r"\bkey(?: of| is|:|=)*\s*$", re.I)
_IN = re.compile(r"\b(?:in|key(?: of| is|:|=)*)\s*$", re.I)
_NO_NOTE = re.compile(r"\b(?:vitamin|hepatitis|plan|grade|type|class|team|group|section|unit|size|an)\s*$", re.I)
_BEFORE = 60
"""Characters before and behind a term that are looked at, so that a long text is read as fast as a short one."""
_GOES_ON = ("at", "with", "without", "and", "for", "please", "but", "about", "because", "no", "as")
_LESS = re.compile(r"\b(drum|beat|bas)(?:s?less|-free)\b", re.I)
_PLAIN_WORD = re.compile(r"[A-Za-z]{4,}")
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")
_LONG, _SHORT = 6, 4
"""Letters of an instrument's name that no other word is one letter from; of a word that a letter can't be taken from."""
_WORD = re.compile(r"[\w'♯♭#&+./-]*[\w♯♭#]")
_CLAUSES = re.compile(
    r"(?:[,;!?\n()\"“”…]|(?<!key)(?<!tempo)(?<!bpm)(?<!genre)(?<!style):|\.(?!\d)|(?<=\s)[-–—](?=\s)|—)+(?:\s|$)"
    r"|(?<!\banything )(?<!\beverything )\bbut\b(?! no)",
    re.I,
)


def vocabulary() -> Mapping[str, Any]:
    """`sentence.yaml`."""
    return table("sentence.yaml")


def parts_of(text: str) -> list[str]:
    """The clauses of a text, in its own words."""
    return [str(part) for part in _CLAUSES.split(text)]


def clauses(text: str) -> list[list[Item]]:
    """The terms of each clause of a text, in order."""
    plain = _sayings().sub(" ⁇ ", text.replace("’", "'"))
    plain = _LESS.sub(r"without \1s", _PLAIN_WORD.sub(lambda m: _spelt(m[0]), plain))
    shouted = not any(letter.islower() for letter in plain)
    return [items for part in parts_of(plain) if (items := list(_items(part.strip(), shouted)))]


def _spelt(word: str) -> str:
    """A word as it is meant: a term that is misspelt, or one that is drawn out, as `sloooow`."""
    low = word.lower()
    if (meant := _misspelt().get(low)) is not None:
        return meant
    short = _DRAWN_OUT.sub(r"\1", low)
    return next((w for w in (short, _DRAWN_OUT.sub(r"\1\1", low)) if w in _kinds()), word) if short != low else word


@cache
def _misspelt() -> Mapping[str, str]:
    """The term that each of these was to be; what is a term itself is not among them."""
    words = vocabulary()
    out: dict[str, str] = {}
    for term in [*(name for name in words["instruments"] if name.isalpha() and len(name) >= _LONG), *words["misspelt"]]:
        swapped = {term[:i] + term[i + 1] + term[i] + term[i + 2 :] for i in range(len(term) - 1)}
        doubled = {term[:i] + term[i] + term[i:] for i in range(len(term))}
        lacking = {term[:i] + term[i + 1 :] for i in range(1, len(term))} if len(term) > _SHORT else set()
        out |= dict.fromkeys(swapped | doubled | lacking, term)
    return {word: term for word, term in out.items() if word not in _kinds() and word not in words["other_words"]}


def number(text: str) -> float:
    """Of digits, or of English words below 300."""
    words = re.split(r"[ -]", text.lower().replace(",", "."))
    if words[0][0].isdigit():
        return float(words[0])
    total = 0
    for word in words:
        if word == "hundred":
            total = max(total, 1) * 100
        else:
            total += _TENS.get(word, _NUMBERS.index(word) + 1 if word in _NUMBERS else 0)
    return float(total)


def _items(clause: str, shouted: bool) -> Iterator[Item]:
    at = 0
    while at < len(clause):
        if clause[at].isspace() or clause[at] in ":=":
            at += 1
            continue
        item, length = _item(clause, at, shouted)
        yield item
        at += length


def _item(clause: str, at: int, shouted: bool) -> tuple[Item, int]:
    """The term that begins at a place, and how many characters it has."""
    for read in (_tempo, _bars, _time):
        if (item := read(clause, at)) is not None:
            return item
    if match := _METRE.match(clause, at):
        return Item("metre", match[0].lower(), _metre_name(match)), len(match[0])
    if (key := _key(clause, at, shouted)) is not None:
        return key
    if match := _terms().match(clause, at):
        text = match[0].lower()
        kind, value = _kinds()[text]
        return Item(kind, text, value), len(match[0])
    match = _WORD.match(clause, at)
    word = match[0] if match else clause[at]
    return Item("number" if word.isdecimal() else OTHER, word.lower(), word), len(word)


def _metre_name(match: re.Match[str]) -> str:
    """As it is written, such as 3/4; `odd` is none that can be."""
    if match["n"]:
        return f"{int(match['n'])}/{match['unit']}"
    if match["said"]:
        return f"{_COUNTED[match['said'].lower()]}/{4 if match['of'].lower() == 'four' else 8}"
    if match["beats"]:
        beats = match["beats"].lower()
        return f"{_COUNTED.get(beats) or int(beats)}/4"
    if match["alone"]:
        return "6/8" if match["alone"].lower() in ("six", "6") else "3/4"
    return {"compound": "6/8", "odd": "odd"}.get((match["kind"] or "").lower(), "3/4")


def _tempo(clause: str, at: int) -> tuple[Item, int] | None:
    match = next((m for pattern in _TEMPOS if (m := pattern.match(clause, at))), None)
    if match is None:
        return None
    low = number(match["low"])
    high = number(match["high"]) if match.groupdict().get("high") else low
    if match.re is _DOTTED:
        low = high = 1.5 * low
    kind = OTHER if _BODY.search(clause[max(0, at - _BEFORE) : at]) else "tempo"
    return Item(kind, match[0].lower(), (min(low, high), max(low, high))), len(match[0])


def _bars(clause: str, at: int) -> tuple[Item, int] | None:
    match = _BARS.match(clause, at)
    if match is None:
        return None
    if match["blues"]:
        return Item("blues form", match[0].lower()), len(match[0])
    return Item("bars", match[0].lower(), number(match["n"])), len(match[0])


def _time(clause: str, at: int) -> tuple[Item, int] | None:
    if match := _CLOCK.match(clause, at):
        return Item("seconds", match[0].lower(), 60.0 * int(match["m"]) + int(match["s"])), len(match[0])
    match = _TIME.match(clause, at) or _HOURS.match(clause, at)
    if match is None:
        return None
    said = match["n"].lower()
    count = 0.5 if said.startswith("half") else 1.0 if said in ("a", "an") else number(said)
    seconds = (count + 0.5 * bool(match["half"])) * _UNITS[match["unit"][0].lower()]
    return Item("seconds", match[0].lower(), seconds), len(match[0])


def _key(clause: str, at: int, shouted: bool) -> tuple[Item, int] | None:
    """A key that a letter begins; an `a` is one only where nothing else can be meant."""
    match = _KEY.match(clause, at)
    if match is None:
        return None
    before, after = clause[max(0, at - _BEFORE) : at], clause[match.end() : match.end() + _BEFORE].strip()
    if _NO_NOTE.search(before):
        return None
    following = _kind_of(after)
    small = match["tonic"].islower() or shouted
    named = bool(_IN.search(before))
    if match["mode"]:
        if match["tonic"] in "aA" and not match["sign"] and (small or not before.strip()):
            whole = not before.strip() and not after
            ends = not after or after.split()[0].lower() in _GOES_ON
            sure = whole or (ends and named) if small else following != OTHER
        else:
            sure = named or following != OTHER
    elif match["m"]:
        sure = not shouted and match["tonic"].isupper() and following != OTHER
        sure = sure and (named or not (match["tonic"] == "A" and not match["sign"]) or not (before.strip() or after))
    elif _OF_KEY.search(before):
        sure = match["tonic"] != "a" and not (shouted and match["tonic"] == "A")
    else:
        sure = named and not small and following != OTHER
    if not sure:
        return None
    sign = (match["sign"] or "").strip(" -")
    tonic = match["tonic"].upper() + {"sharp": "#", "♯": "#", "flat": "b", "♭": "b"}.get(sign.lower(), sign)
    mode = {"maj": "major", "min": "minor"}.get(match["mode"] or "", match["mode"] or ("minor" if match["m"] else ""))
    kind = "key" if mode or _OF_KEY.search(before) else "tonic"
    return Item(kind, match[0].lower(), (tonic, mode.lower())), match.end() - at


def _kind_of(rest: str) -> str:
    """The kind of what a text begins with; a filler where there is nothing."""
    if not rest:
        return "filler"
    if match := _terms().match(rest):
        return _kinds()[match[0].lower()][0]
    return "number" if rest[0].isdigit() else OTHER


@cache
def _kinds() -> Mapping[str, tuple[str, Any]]:
    """(kind, meaning) of each term; of one that stands twice the later counts."""
    words = vocabulary()
    out: dict[str, tuple[str, Any]] = dict.fromkeys(lexicon(), ("mood", None))
    for group in (
        "fillers",
        "stops",
        "stories",
        "owners",
        "wishes",
        "weak_wishes",
        "orders",
        "qualifiers",
        "negations",
    ):
        kind = {"stories": "story", "wishes": "wish", "weak_wishes": "weak wish", "qualifiers": "filler"}.get(
            group, group[:-1]
        )
        out |= {str(word): (kind, None) for word in words[group]}
    out |= {mode: ("mode", mode) for mode in _MODES.split("|") if len(mode) > 3}
    out |= {word: ("genre", band) for word, band in genres().items()}
    out |= {word: ("genre", name) for word, name in words["genres"].items()}
    out |= {name: ("genre", name) for name in bands()}
    out |= {word: ("other_genre", word) for word in words["other_genres"]}
    out |= {word: ("other_instrument", word) for word in words["other_instruments"]}
    out |= {word: ("part", role) for word, role in words["parts"].items()}
    out |= {word: ("instrument", tuple(told)) for word, told in words["instruments"].items()}
    out |= {word: ("ensemble", players) for word, players in words["ensembles"].items()}
    out |= {
        word: ("head", "ballad" if word in words["gentle"] else None) for word in (*words["heads"], *words["dances"])
    }
    out |= {word: ("metre", metre) for word, metre in words["metre_words"].items()}
    out |= {word: ("pace", tuple(pair)) for word, pair in words["paces"].items()}
    return out | {word: ("length", bars) for word, bars in words["lengths"].items()}


@cache
def _terms() -> re.Pattern[str]:
    words = sorted(_kinds(), key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(map(re.escape, words))})(?![\w'-])", re.I)


@cache
def _sayings() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(vocabulary()['sayings'])})\b", re.I)
