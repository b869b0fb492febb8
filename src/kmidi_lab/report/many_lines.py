"""Curves of many runs in one small SVG, drawn by hand: no text of it comes from data but numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from kmidi_lab.report.curves import Line

_WIDTH, _HEIGHT = 460, 230
_LETTER = 10
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 26, 8, 26


def colour(number: int) -> str:
    """Hues that lie far apart for neighbours; readable on light and dark."""
    return f"hsl({(number * 137.5) % 360:.0f} 62% 48%)"


def many_lines(lines: Sequence[tuple[int, Line]], description: str) -> str:
    """The `<svg>` element; each line ends with its number, in `colour` of it.

    Args:
        lines: (number, (epochs, values)); values that are no finite numbers are left out.
        description: read aloud.
    """
    points = [(number, _finite(line)) for number, line in lines]
    points = [(number, pairs) for number, pairs in points if pairs]
    every = [pair for _, pairs in points for pair in pairs]
    x = _Axis([e for e, _ in every], _LEFT, _WIDTH - _RIGHT)
    y = _Axis([v for _, v in every], _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg role="img" aria-label="{escape(description, quote=True)}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" font-size="11" fill="var(--muted)">'
    ]
    for tick in y.ticks():
        at = y.place(tick)
        parts.append(f'<path d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}" stroke="var(--rule)" stroke-width="0.7"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in x.ticks():
        if tick == int(tick):
            parts.append(f'<text x="{x.place(tick):.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{tick:g}</text>')
    labels = _apart([(y.place(pairs[-1][1]), number) for number, pairs in points])
    for number, pairs in points:
        path = "L".join(f"{x.place(e):.1f} {y.place(v):.1f}" for e, v in pairs)
        own, end = colour(number), pairs[-1]
        parts.append(f'<path d="M{path}" fill="none" stroke="{own}" stroke-width="1.6"/>')
        parts.append(f'<circle cx="{x.place(end[0]):.1f}" cy="{y.place(end[1]):.1f}" r="2" fill="{own}"/>')
        parts.append(f'<text x="{x.place(end[0]) + 5:.1f}" y="{labels[number] + 4:.1f}" fill="{own}">{number}</text>')
    return "".join([*parts, "</svg>"])


def _finite(line: Line) -> list[tuple[float, float]]:
    """In the order of the epochs; numbers so large that their distance is none are as good as infinite."""
    pairs = zip(*line, strict=True)
    return sorted((e, v) for e, v in pairs if abs(e) < 1e12 and abs(v) < 1e12)


def _apart(ends: list[tuple[float, int]]) -> dict[int, float]:
    """Where each number stands: by the end of its line, and below the one before where they would touch."""
    places: dict[int, float] = {}
    lowest = -math.inf
    for at, number in sorted(ends):
        lowest = places[number] = max(at, lowest + _LETTER)
    # Pushed below the axis, all move up.
    over = max(0.0, lowest - (_HEIGHT - _BOTTOM + _LETTER))
    return {number: at - over for number, at in places.items()}


class _Axis:
    """Numbers onto pixels from `start` to `end`."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._low, self._high = min(values, default=0.0), max(values, default=1.0)
        if self._high - self._low < 1e-9 * max(1.0, abs(self._high)):
            self._low, self._high = self._low - 0.5, self._high + 0.5
        self._start, self._end = start, end

    def place(self, value: float) -> float:
        return self._start + (value - self._low) / (self._high - self._low) * (self._end - self._start)

    def ticks(self) -> list[float]:
        """Three to seven round numbers."""
        span = self._high - self._low
        step = 10.0 ** math.floor(math.log10(span / 3))
        step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= 6)
        first, last = math.ceil(self._low / step - 1e-9), math.floor(self._high / step + 1e-9)
        return [round(n * step, 10) for n in range(first, last + 1)]
