"""The picture of one test item as an SVG file: notes or words that are redder the greater their error, or mel frames."""

from __future__ import annotations

import base64
import io
from html import escape

import numpy as np

from kmidi_lab.scoring.items import Frames, Roll, Text

_WIDTH, _LEFT, _FOOT = 640.0, 44.0, 16.0
_LONGEST = 400
"""Notes that are drawn; the rest of a long piece is left out, and said so."""
_FEW = 16
"""Rows up to which each has its name; of more the lowest and the highest."""
_LETTER, _LINE = 7.3, 18.0
"""Width of a letter of a text, and height of its lines."""
_STYLE = "<style>text{font:9px sans-serif;fill:#777}.w{font:12px monospace}.n{fill:#c33}.u{fill:#999}.g{stroke:#8884}</style>"


def svg(picture: Roll | Frames | Text, name: str) -> str:
    """One SVG file, with colours that can be seen on light and dark; `name` is read aloud."""
    if isinstance(picture, Text):
        return _text(picture, name)
    return _roll(picture, name) if isinstance(picture, Roll) else _frames(picture, name)


def _roll(roll: Roll, name: str) -> str:
    order = np.argsort(roll.start, kind="stable")[:_LONGEST]
    start, length, error = (np.asarray(a, float)[order] for a in (roll.start, roll.length, roll.error))
    first = float(start.min()) if len(start) else 0.0
    span = max(float((start + length).max()) - first, 1e-9) if len(start) else 1.0
    few = len(roll.rows) <= _FEW
    high = 10.0 if few else 5.0
    scale, height = (_WIDTH - _LEFT) / span, high * len(roll.rows)
    greatest = float(np.nanmax(error)) if np.isfinite(error).any() else 0.0
    marks = []
    for at, wide, row, wrong in zip(start, length, roll.row[order], error, strict=True):
        x, y = _LEFT + (at - first) * scale, height - high * (int(row) + 1)
        size = f'x="{x:.1f}" y="{y:.1f}" width="{max(wide * scale - 0.5, 1.5):.1f}" height="{high - 1:g}"'
        finite = np.isfinite(wrong)
        shade = 0.15 + 0.85 * wrong / greatest if finite and greatest > 0 else 0.15
        marks.append(f'<rect class="{"n" if finite else "u"}" {size} fill-opacity="{shade:.2f}"/>')
    named = range(len(roll.rows)) if few else (0, len(roll.rows) - 1)
    names = [f'<text x="0" y="{height - high * i - 1:.0f}">{escape(roll.rows[i])}</text>' for i in named]
    left_out = len(roll.start) - len(order)
    foot = f"{first:g} to {first + span:.4g} {roll.unit}{f'; {left_out} more left out' if left_out else ''}"
    line = f'<line class="g" x1="{_LEFT:g}" x2="{_WIDTH:g}" y1="{height:g}" y2="{height:g}"/>'
    below = f'<text x="{_LEFT:g}" y="{height + 11:g}">{escape(foot)}</text>'
    return _file(_WIDTH, height + _FOOT, name, "".join([*marks, *names, line, below]))


def _frames(picture: Frames, name: str) -> str:
    from matplotlib.image import imsave

    frames = np.asarray(picture.frames, np.float32)
    step = max(1, len(frames) // int(_WIDTH))
    image, buffer = frames[::step].T[::-1], io.BytesIO()
    imsave(buffer, image, cmap="magma", format="png")
    data = base64.b64encode(buffer.getvalue()).decode()
    sized = f'x="{_LEFT:g}" width="{_WIDTH - _LEFT:g}" height="96" preserveAspectRatio="none"'
    foot = f'<text x="{_LEFT:g}" y="107">{len(frames) * picture.seconds:.2f} s; mel bands, the lowest below</text>'
    return _file(_WIDTH, 112, name, f'<image {sized} href="data:image/png;base64,{data}"/>{foot}')


def _text(text: Text, name: str) -> str:
    greatest = float(np.max(text.error, initial=0.0))
    x, line, marks = 0.0, 0, []
    for word, wrong in list(zip(text.words, text.error, strict=True))[:_LONGEST]:
        wide = _LETTER * len(word)
        if x and x + wide > _WIDTH:
            x, line = 0.0, line + 1
        shade = 0.85 * float(wrong) / greatest if greatest > 0 else 0.0
        place = f'x="{x:.1f}" y="{_LINE * line:g}" width="{wide:.1f}" height="{_LINE - 4:g}"'
        marks.append(f'<rect class="n" {place} fill-opacity="{shade:.2f}"/>')
        marks.append(f'<text class="w" x="{x:.1f}" y="{_LINE * line + 11:g}">{escape(word)}</text>')
        x += wide + _LETTER
    return _file(_WIDTH, _LINE * (line + 1), name, "".join(marks))


def _file(width: float, height: float, name: str, content: str) -> str:
    box = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    label = escape(name, quote=True)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{label}">{_STYLE}{content}</svg>\n'
