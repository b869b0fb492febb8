"""Text of a user in a picture: in fonts that are here, and nothing that none of them has."""

from __future__ import annotations

import re

_LONGEST_TITLE = 110
_FONTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Noto Sans SC", "Noto Sans KR", "Source Han Sans", "IPAexGothic",
    "IPAGothic", "TakaoGothic", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "Hiragino Sans",
    "PingFang SC", "Heiti TC", "Apple SD Gothic Neo", "Yu Gothic", "Meiryo", "MS Gothic", "Microsoft YaHei", "SimHei",
    "Malgun Gothic", "Arial Unicode MS",
)  # fmt: skip
"""Fonts of the common systems with what DejaVu lacks."""


def drawable(title: str) -> tuple[list[str], str]:
    """(fonts that are here, the end of a title as they can draw it): what none of them has is left out."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    fonts = ["DejaVu Sans", *(name for name in _FONTS if name in installed)]
    glyphs: set[int] = set()
    for name in fonts:
        glyphs |= font_manager.get_font(font_manager.findfont(name)).get_charmap().keys()
    shown = "".join(letter if ord(letter) in glyphs else "\N{HORIZONTAL ELLIPSIS}" for letter in title)
    shown = re.sub("\N{HORIZONTAL ELLIPSIS}+", "\N{HORIZONTAL ELLIPSIS}", shown)
    return fonts, shown if len(shown) <= _LONGEST_TITLE else "\N{HORIZONTAL ELLIPSIS}" + shown[-_LONGEST_TITLE:]
