"""A composed song as a page for the browser: its player, its picture, its chords, and who did what."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2733}"
    "img,audio{width:100%}td{padding:.1rem 1rem .1rem 0;vertical-align:top}"
)


def song_page(title: str, trace: Mapping[str, Any], sound: str | None, picture: str) -> bytes:
    """The page; what it shows and plays are files beside it.

    Args:
        title: of the song, in words.
        trace: of the song, as in its JSON file.
        sound: name of the WAV file; None is none.
        picture: name of the PNG file.

    Returns:
        HTML, UTF-8.
    """
    sections = "".join(
        f"<tr><td>bar {s['bar']}</td><td>{escape(s['name'])}</td><td>{escape(' '.join(s['chords']))}</td></tr>"
        for s in trace["form"]["sections"]
    )
    models = ", ".join(escape(str(model["by"])) for model in trace["models"])
    player = f'<audio controls src="{escape(sound)}"></audio>' if sound else ""
    remarks = "".join(f"<p>{escape(line)}</p>" for line in trace["remarks"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{player}"
        f'<p><img src="{escape(picture)}" alt="the parts and sections of the song"></p><table>{sections}</table>'
        f"{remarks}<p>Played by {models}.</p></body></html>\n"
    ).encode()
