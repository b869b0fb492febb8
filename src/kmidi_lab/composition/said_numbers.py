"""What is said of a song in figures or number words: tempo, bars, minutes and metre."""

from __future__ import annotations

import re

from kmidi_lab.composition.vocabulary import LOOKED_AT, OTHER, Item, vocabulary

_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]  # fmt: skip
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_SPOKEN = rf"(?:(?:one|a|two) hundred(?: and)?(?: (?:{'|'.join(_TENS)}))?(?:[ -](?:{'|'.join(_NUMBERS[:9])})\b)?" \
          rf"|(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_NUMBERS[:9])})\b)?|\b(?:{'|'.join(_NUMBERS)})\b)"  # fmt: skip
_NUMBER = rf"(?:\d{{1,4}}(?:[.,]\d+)?|{_SPOKEN})"
_PER_MINUTE = (
    r"(?:bpm\b|bmp\b|b\.p\.m\.?|(?:beats?|quarters?|quarter notes?) ?(?:per|a|/) ?min(?:ute)?s?\b"
    r"|(?:Schlägen?|battements?|pulsaciones|battiti|batidas|slagen) (?:pro|in der|par|por|al|per) minu(?:te|to|ut)\b)"
)
_DOTTED = re.compile(rf"(?:♩\.|dotted quarter(?: note)?s?)(?: ?=| at| is)? ?(?P<low>{_NUMBER})", re.I)
_TEMPOS = (
    _DOTTED,
    re.compile(rf"(?P<low>{_NUMBER}) ?(?:(?:-|–|to|or|and) ?(?P<high>{_NUMBER}) ?)?-?{_PER_MINUTE}", re.I),
    re.compile(rf"(?:tempo|bpm|bmp)(?: of| is| at|:|=| around| about)* ?(?P<low>{_NUMBER})(?! ?(?:%|years?|/))", re.I),
    re.compile(rf"(?:♩|quarter(?: note)?s?) ?= ?(?P<low>{_NUMBER})", re.I),
)
_OF_A_SONG = re.compile(r"\b(?:song|tune|track|piece|beat|groove|loop|jam|instrumental)s? at $", re.I)
_BARE = re.compile(r"(?P<low>(?:[4-9]\d|1\d\d|2[0-3]\d))(?= *(?:$|with\b|in\b|and\b|no\b|please\b))", re.I)
"""A tempo without its unit, as in `a beat at 140 with piano`."""
_BODY = re.compile(r"\b(?:heart|heartbeat|heart ?rate|pulse)\b(?:\W+[\w']+){0,5}\W*$", re.I)
"""What stands before beats a minute that are no song's."""
_NEARLY = r"(?:(?:about|around|roughly|approximately) )?"
_BARS = re.compile(
    rf"{_NEARLY}(?P<n>{_NUMBER})[ -](?:bars?|measures?)\b(?P<blues> blues\b|(?=(?: [a-z]+){{1,2}} blues\b))?", re.I
)
_OF = re.compile(r"\s*(?:of|about|for)\s+", re.I)
_TIME = re.compile(
    rf"{_NEARLY}(?P<n>{_NUMBER}|an?|half an?)(?P<half> and a half)?[ -](?P<unit>minutes?|mins?|seconds?|secs?)\b(?: (?:and )?(?P<more>[0-5]?\d) ?(?:seconds?|secs?)\b)?",
    re.I,
)
_HOURS = re.compile(
    rf"(?:(?<=of )about )?(?P<n>{_NUMBER}|an?|half an?)(?P<half> and a half)?[ -](?P<unit>hours?)\b", re.I
)
"""Without `about`, unless `of` stands before: a song about an hour tells of one."""
_UNITS = {"h": 3600, "m": 60, "s": 1}
_CLOCK = re.compile(r"(?P<m>\d{1,2}):(?P<s>[0-5]\d)(?: minutes?\b| mins?\b|(?= long\b)|(?=$))", re.I)
_COUNTED = {"three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "nine": 9, "twelve": 12}
_COUNTS = "|".join(_COUNTED)
_METRE = re.compile(
    rf"(?:(?<![\d/])(?P<n>\d{{1,2}}) ?/ ?(?P<unit>2|4|8|16)(?![\d/])(?! of\b)|(?P<said>{_COUNTS})[ -](?P<of>four|eight)\b|(?P<quarters>¾))(?: ?(?:time|feel|metre|meter)\b)?"
    rf"|(?P<kind>triple|compound|odd) (?:time|met(?:er|re))\b|three[ -]quarter time\b"
    rf"|(?P<beats>\d{{1,2}}|{_COUNTS}) beats (?:per|to the|to a|in a|a) (?:bar|measure)\b"
    rf"|(?P<alone>(?<=\bin )(?:three|six|3|6))(?= *(?:$|[,.;!?)]|(?:time|feel|please)\b))",
    re.I,
)


def _number(text: str) -> float:
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


def said_tempo(clause: str, at: int) -> tuple[Item, int] | None:
    """A tempo that begins at a place, (lowest, highest) quarters a minute, and how many characters it has."""
    match = next((m for pattern in _TEMPOS if (m := pattern.match(clause, at))), None)
    if match is None and _OF_A_SONG.search(clause[max(0, at - LOOKED_AT) : at]):
        match = _BARE.match(clause, at)
    if match is None:
        return None
    low = _number(match["low"])
    high = _number(match["high"]) if match.groupdict().get("high") else low
    if match.re is _DOTTED:
        low = high = 1.5 * low
    kind = OTHER if of_a_body(clause, at) else "tempo"
    return Item(kind, match[0].lower(), (min(low, high), max(low, high))), len(match[0])


def is_paced(item: Item) -> bool:
    """Whether a number behind a term is its tempo, as in `medium swing 132`."""
    before = ("at", "beat", "beats", "around", "roughly", "approximately")
    return item.text in before or item.kind in ("genre", "pace") or item.text in vocabulary()["dances"]


def of_a_body(text: str, at: int) -> bool:
    """Whether beats a minute at a place are those of a heart."""
    return bool(_BODY.search(text[max(0, at - LOOKED_AT) : at]))


def said_bars(clause: str, at: int) -> tuple[Item, int] | None:
    """A number of bars, and how many characters it has."""
    match = _BARS.match(clause, at)
    if match is None:
        return None
    if match["blues"] is not None:
        return Item("blues form", match[0].lower(), int(_number(match["n"]))), len(match[0])
    return Item("bars", match[0].lower(), _number(match["n"])), len(match[0])


def without_bars(text: str) -> str:
    """A text without the bars that it begins with, which tell no mood: `hope` of `16 bars of hope`."""
    match = _BARS.match(text)
    rest = _OF.sub("", text[match.end() :]) if match else ""
    return rest or text


def said_time(clause: str, at: int) -> tuple[Item, int] | None:
    """A length in seconds, and how many characters it has."""
    if (match := _CLOCK.match(clause, at)) and (at == 0 or match[0][-1].isalpha() or match.end() < len(clause)):
        return Item("seconds", match[0].lower(), 60.0 * int(match["m"]) + int(match["s"])), len(match[0])
    match = _TIME.match(clause, at) or _HOURS.match(clause, at)
    if match is None:
        return None
    said = match["n"].lower()
    count = 0.5 if said.startswith("half") else 1.0 if said in ("a", "an") else _number(said)
    seconds = (count + 0.5 * bool(match["half"])) * _UNITS[match["unit"][0].lower()]
    seconds += float(match.groupdict().get("more") or 0)
    return Item("seconds", match[0].lower(), seconds), len(match[0])


def said_metre(clause: str, at: int) -> tuple[Item, int] | None:
    """A metre by its name, and how many characters it has."""
    match = _METRE.match(clause, at)
    return (Item("metre", match[0].lower(), _metre_name(match)), len(match[0])) if match else None


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
