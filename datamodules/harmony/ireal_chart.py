"""The music of an iReal chart: its bars and signs, and the bars in the order in which they are played.

Bar lines are `| [ ] { } Z`; `*A` names a section, `T44` is the metre, `N1` an ending, `S` the segno, `Q` the coda sign,
`<…>` a remark, `x` and `r` repeat one bar and two, `p` holds the chord, `n` is no chord, `W` is the chord before.
Chords in brackets are alternatives that are not played here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"<(?P<remark>[^>]*)>?|\*(?P<label>.)|T(?P<metre>\d\d)|N(?P<ending>\d)|\((?P<alternative>[^)]*)\)?"
    r"|(?P<chord>[A-GW][#b]?(?:sus|alt|add|[-+^\doh#b])*(?:\*[^*]*\*)?(?:/[A-G][#b]?)?)|(?P<sign>.)",
    re.DOTALL,
)
_TIMES = re.compile(r"(\d+) ?x\b", re.IGNORECASE)
_RETURN = re.compile(r"d\. ?([cs])\.?(?: al (.*))?", re.IGNORECASE)
_MOST_BARS, _MOST_TIMES = 4_000, 8


class TooLongError(ValueError):
    """More bars than any song has."""


@dataclass
class Bar:
    """`cells` hold a chord, `p`, `W`, `n` or nothing; the other fields are the signs that stand in the bar."""

    cells: list[str] = field(default_factory=list)
    opens: bool = False
    closes: bool = False
    ending: int = 0
    segno: bool = False
    coda: int | None = None
    """The number of cells before the coda sign."""
    fine: bool = False
    times: int = 2
    back_to: str = ""
    """`c` for da capo, `s` for dal segno."""
    until: str = ""
    """`coda` or `fine`."""
    again: int = 0
    """Repeats so many bars before."""

    @property
    def empty(self) -> bool:
        return not self.again and not any(self.cells)


def bars_of(music: str) -> list[Bar]:
    """The bars of a chart as they are written, repeats of one and two bars written out; what fills a row is left out."""
    bars: list[Bar] = []
    bar = Bar()
    for match in _TOKEN.finditer(music):
        kind, value = match.lastgroup, match.group()
        if kind == "chord":
            bar.cells.append(value)
        elif kind == "ending":
            bar.ending = int(match["ending"])
        elif kind == "remark":
            _remark(bar, match["remark"])
        elif kind == "sign" and value in "|[]{}Z":
            bar.closes = value == "}"
            if bar.empty:
                # A sign that stands by itself belongs to the next bar, a brace to the one before.
                if bars and bar.closes:
                    bars[-1].closes, bars[-1].times = True, max(bar.times, bars[-1].times)
                bar.cells, bar.closes = [], False
            else:
                bars.append(bar)
                bar = Bar()
            bar.opens = bar.opens or value == "{"
        elif kind == "sign":
            _sign(bar, value)
    if not bar.empty:
        bars.append(bar)
    return _written_out(bars)


def _sign(bar: Bar, value: str) -> None:
    if value in " pn":
        bar.cells.append(value.strip())
    elif value in "xr":
        bar.again = 1 if value == "x" else 2
    elif value == "S":
        bar.segno = True
    elif value == "Q":
        bar.coda = len([c for c in bar.cells if c]) + bar.again
    elif value == "U":
        bar.fine = True


def _remark(bar: Bar, text: str) -> None:
    if times := _TIMES.search(text):
        bar.times = min(int(times[1]), _MOST_TIMES)
    if back := _RETURN.search(text):
        bar.back_to = back[1].lower()
        bar.until = "coda" if "coda" in text.lower() else "fine"
    elif "fine" in text.lower():
        bar.fine = True


def _written_out(bars: list[Bar]) -> list[Bar]:
    out: list[Bar] = []
    for bar in bars:
        before = [b.cells for b in out[-bar.again :]] if bar.again else []
        if len(before) < bar.again:
            continue
        if bar.again:
            bar.cells = list(before[0])
        out.append(bar)
        if bar.again == 2:
            # The sign stands on the bar line between the two.
            out.append(Bar(list(before[1]), closes=bar.closes, times=bar.times))
            bar.closes = False
    return out


def played(bars: list[Bar]) -> list[list[str]]:
    """The cells of every bar in the order in which they are played.

    Braces are played twice, or as often as a remark says, each time with its ending; after D.C. or D.S. every brace
    once with its last ending, to Fine or by way of the coda.

    Raises:
        TooLongError: it has no end.
    """
    out: list[list[str]] = []
    at, start, turn = 0, 0, 1
    back = ""  # until what, once it was gone back
    gone_back: set[int] = set()
    while at < len(bars):
        if len(out) > _MOST_BARS:
            raise TooLongError(f"more than {_MOST_BARS} bars when played out")
        bar = bars[at]
        if bar.opens and at != start:
            start, turn = at, 1
        if back == "coda" and bar.coda == 0 and at != _last_coda(bars):
            at, back = _last_coda(bars), "over"
            continue
        if bar.ending and (back or bar.ending != turn):
            at = _ending(bars, at, turn, bool(back)) or at
            bar = bars[at]
        out.append(bar.cells)
        if back == "fine" and bar.fine:
            break
        if back == "coda" and bar.coda and _last_coda(bars) > at:
            at, back = _last_coda(bars), "over"
        elif bar.back_to and at not in gone_back:
            gone_back.add(at)
            back = bar.until
            at = next((i for i, b in enumerate(bars) if b.segno), 0) if bar.back_to == "s" else 0
            start, turn = at, 1
        elif bar.closes and not back and (turn < bar.times or _follows(bars, at, turn + 1)) and not _final(bars, at):
            at, turn = start, turn + 1
        else:
            if bar.closes:
                start, turn = at + 1, 1
            at += 1
    return out


def _last_coda(bars: list[Bar]) -> int:
    """Where the coda begins: the last of two signs or more."""
    signs = [i for i, b in enumerate(bars) if b.coda is not None]
    return signs[-1] if len(signs) > 1 else len(bars)


def _follows(bars: list[Bar], at: int, ending: int) -> bool:
    return at + 1 < len(bars) and bars[at + 1].ending == ending


def _final(bars: list[Bar], at: int) -> bool:
    """Whether the bar lies in an ending that no other follows."""
    inside = next((b.ending for b in reversed(bars[: at + 1]) if b.ending or b.opens), 0)
    return inside > 1 and not _follows(bars, at, inside + 1)


def _ending(bars: list[Bar], at: int, turn: int, last: bool) -> int | None:
    """Where the ending of this turn begins, or the last one; None where there is none further on."""
    further = []
    for i in range(at + 1, len(bars)):
        if bars[i].opens:
            break
        if bars[i].ending:
            further.append(i)
    return (
        next((i for i in further if bars[i].ending == turn), None) if not last else (further[-1] if further else None)
    )
