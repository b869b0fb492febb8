"""A composed song as a page for the browser that needs no other file: its player, its picture, its chords, and who did what."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from typing import Any

from kmidi_lab.midi.sound import Sound, held

PLAYED_S = 60.0
"""Of a longer song the page holds this much: half a megabyte."""
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2733}"
    "img,audio{width:100%}td{padding:.1rem 1rem .1rem 0;vertical-align:top}"
)


def song_page(title: str, trace: Mapping[str, Any], sound: Sound | None, picture: bytes, wav: str) -> bytes:
    """The page.

    Args:
        title: of the song, in words.
        trace: of the song, as in its JSON file.
        sound: of the song; None is none.
        picture: a PNG file.
        wav: name of the file with the whole sound, beside the page.

    Returns:
        HTML, UTF-8.
    """
    sections = "".join(
        f"<tr><td>bar {s['bar']}</td><td>{escape(s['name'])}{_stage(s)}</td><td>{escape(' | '.join(s['chords']))}</td></tr>"
        for s in trace["form"]["sections"]
    )
    models = ", ".join(escape(str(model["by"])) for model in trace["models"])
    remarks = "".join(f"<p>{escape(line)}</p>" for line in trace["remarks"])
    shown = f"data:image/png;base64,{b64encode(picture).decode()}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{_player(sound, wav) if sound else ''}"
        f'<p><img src="{shown}" alt="the parts and sections of the song"></p><table>{sections}</table>'
        f"{remarks}<p>Played by {models}.</p></body></html>\n"
    ).encode()


def _stage(section: Mapping[str, Any]) -> str:
    """Mood and key of a section of a song in which these change."""
    return f", {escape(section['mood']['nearest'])}, {escape(section['key'])}" if "key" in section else ""


def _player(sound: Sound, wav: str) -> str:
    """The beginning of the song, and where the rest is."""
    long = sound.seconds > PLAYED_S
    label = f"the first {PLAYED_S:g} seconds of the song" if long else "the song"
    rest = f"<p>The first {PLAYED_S:g} s. The whole song is in {escape(wav)} beside this page.</p>" if long else ""
    return f'<audio controls aria-label="{label}" src="{held(sound.ogg(PLAYED_S))}"></audio>{rest}'
