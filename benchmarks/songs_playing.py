"""How composed songs are played: whether bass and kick meet, and how loud parts are, beside drummers and pianists.

Nobody's bass is in the data beside their kick, so what the bass meets is compared with the kicks of the same songs put
on sixteenths by chance. Kicks are compared with Groove MIDI's beats in 4/4, lengths and loudness with POP909 in 4/4.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from kmidi_lab.composition.arranging import Arranger
from kmidi_lab.composition.briefing import brief_of
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.song import Song
from kmidi_lab.midi.piece import Piece, Track
from kmidi_lab.midi.reading import open_file, read_piece
from kmidi_lab.song import Arrangement

KICKS, SNARES = (35, 36), (37, 38, 39, 40)
_BAR, _SIXTEENTHS = 4, 4
_LATE = 0.17
"""Quarters by which swung eighths of the bass come late at most: less than a sixteenth, to which they are put back."""
_FEW = 30
"""Notes of a part, and strokes of drums, of which nothing is said."""
_PHRASE, _PEOPLE = 16, 120
_FORM = "intro 4, verse 8, chorus 8, verse 8, chorus 8, outro 4"
STYLES = ("pop", "rock", "funk", "dance")
"""Whose bass and kick are one."""
MET = ("kicks that the bass meets", "the same of kicks by chance")


def kicks(starts: np.ndarray) -> dict[str, float]:
    """Of kicks that begin at `starts`, in quarters from a bar line on `[T]`: how many a bar, and on which places."""
    step = _steps(starts)
    return {
        "kicks a bar that has some": len(step) / len(np.unique(step // (_BAR * _SIXTEENTHS))),
        "kicks on the first beat": float(np.mean(step % (_BAR * _SIXTEENTHS) == 0)),
        "kicks on a beat": float(np.mean(step % _SIXTEENTHS == 0)),
        "kicks between eighths": float(np.mean(step % 2 == 1)),
    }


def met(kick: np.ndarray, bass: np.ndarray) -> float:
    """The share of kicks, in bars in which the bass plays, with which a tone of it begins; NaN without any."""
    strokes, tones = np.unique(_steps(kick)), np.unique(_steps(bass))
    own = strokes[np.isin(strokes // (_BAR * _SIXTEENTHS), tones // (_BAR * _SIXTEENTHS))]
    return float(np.isin(own, tones).mean()) if len(own) else float("nan")


def bass_and_kick(song: Arrangement, rng: np.random.Generator) -> dict[str, float]:
    """What the bass meets of a song's kicks, and would of kicks by chance; the song's kicks as `kicks` has them."""
    bass, drums = (np.array([(n.start, n.pitch) for p in song.parts if p.role == r for n in p.notes]).reshape(-1, 2)
                   for r in ("bass", "drums"))  # fmt: skip
    kick = drums[np.isin(drums[:, 1], KICKS), 0]
    if len(kick) < _FEW or len(bass) < _FEW:
        return {}
    strewn = np.floor(kick / _BAR) * _BAR + rng.integers(_BAR * _SIXTEENTHS, size=len(kick)) / _SIXTEENTHS
    together = {
        "kicks that the bass meets": met(kick, bass[:, 0]),
        "the same of kicks by chance": met(strewn, bass[:, 0]),
    }
    return together | kicks(kick)


def sketches(style: str, seeds: Sequence[int]) -> list[Arrangement]:
    """Songs of a style as they are written, made without models, of which bass and drums know nothing."""
    out = []
    for seed in seeds:
        request = SongRequest(emotion="joyful", style=style, sections=_FORM)
        form = request.form
        if form is not None:
            out.append(Arranger(brief_of(request, None, seed), Players(None, Path("outputs/cache"))).arrange(form))
    return out


def drummers(root: Path) -> dict[str, list[dict[str, float]]]:
    """Kicks of Groove MIDI's beats in 4/4, by style."""
    out: dict[str, list[dict[str, float]]] = {}
    for row in csv.DictReader((root / "groove" / "info.csv").open()):
        if (row["beat_type"], row["time_signature"]) == ("beat", "4-4"):
            piece = read_piece(root / "groove" / row["midi_filename"])
            notes = np.concatenate([track.notes for track in piece.tracks])
            starts = notes["start"][np.isin(notes["pitch"], KICKS)] / piece.ticks_per_quarter
            if len(starts) >= _FEW:
                out.setdefault(row["style"].split("/")[0], []).append(kicks(starts))
    return out


def held(start: np.ndarray, length: np.ndarray) -> float:
    """How long notes are that come up to a quarter before the next, as a share of the time to it; in quarters `[T]`."""
    places = np.unique(start)
    wait = np.append(np.diff(places), np.inf)[np.searchsorted(places, start)]
    near = (wait <= 1) & (wait >= 1 / _SIXTEENTHS / 2)
    return float(np.minimum(length[near] / wait[near], 1).mean()) if near.any() else float("nan")


def loudness(start: np.ndarray, velocity: np.ndarray, sections: Sequence[tuple[str, float, float]]) -> dict[str, float]:
    """How loud a part is: accents, the range within four bars, and what sections differ by, in steps of velocity.

    Args:
        start: of each note, in quarters from a bar line on `[T]`.
        velocity: of each, 1..127 `[T]`.
        sections: (name, start, stop), in quarters.
    """
    place = np.rint(start * _SIXTEENTHS) / _SIXTEENTHS
    phrases = [velocity[place // _PHRASE == number] for number in np.unique(place // _PHRASE)]
    wide = [np.ptp(np.percentile(own, (10, 90))) for own in phrases if len(own) >= 8]
    means = [(name, velocity[(place >= a) & (place < b)]) for name, a, b in sections]
    by_name = {
        name: np.mean([own.mean() for kind, own in means if kind == name and len(own)] or [np.nan])
        for name in ("verse", "chorus")
    }
    heard = [own.mean() for _, own in means if len(own) >= 8]
    return {
        "louder on a beat than off": _more(velocity, place % 1 == 0),
        "louder on the first beat than on others": _more(velocity[place % 1 == 0], place[place % 1 == 0] % _BAR == 0),
        "range in four bars (tenth to ninetieth percentile)": float(np.mean(wide)) if wide else float("nan"),
        "loudest section over the softest": float(np.ptp(heard)) if heard else float("nan"),
        "chorus over verse": float(by_name["chorus"] - by_name["verse"]),
    }


def played(song: Song) -> dict[str, dict[str, float]]:
    """Loudness of each part of a composed song."""
    sections = [(s.name, *song.arrangement.span(s)) for s in song.arrangement.sections]
    return _by_track(open_file(song.midi).piece, {}, sections)


def players(root: Path) -> list[dict[str, dict[str, float]]]:
    """Loudness of the melody and the piano of POP909's first songs; sections are the phrases of eight bars."""
    out = []
    for folder in sorted((root / "pop909").glob("*"))[:_PEOPLE]:
        rows = [line.split() for line in (folder / "beat_midi.txt").read_text().splitlines()]
        down = np.flatnonzero([float(row[2]) > 0 for row in rows])
        if len(down) > 1 and (np.diff(down) == _BAR).all():
            piece = read_piece(folder / f"{folder.name}.mid")
            times = np.array([float(row[0]) for row in rows])
            beats = {
                track.name: np.interp(piece.seconds(track.notes["start"]), times, np.arange(len(times))) - down[0]
                for track in piece.tracks
            }
            eights = [("", 32.0 * n, 32.0 * (n + 1)) for n in range(len(times) // 32)]
            out.append(_by_track(piece, beats, eights))
    return out


def _by_track(
    piece: Piece, beats: Mapping[str, np.ndarray], sections: Sequence[tuple[str, float, float]]
) -> dict[str, dict[str, float]]:
    """Of each track that has enough notes; places are those of `beats`, else the file's."""

    def of(track: Track) -> dict[str, float]:
        start = beats.get(track.name, track.notes["start"] / piece.ticks_per_quarter)
        at, length = (track.notes[name] / piece.ticks_per_quarter for name in ("start", "duration"))
        return {"length of a note, as a share of the time to the next": held(at, length)} | loudness(
            start, track.notes["velocity"].astype(float), sections
        )

    return {track.name.strip().title(): of(track) for track in piece.tracks if len(track.notes) >= _FEW}


def _steps(starts: np.ndarray) -> np.ndarray:
    """Sixteenths, what is swung put back."""
    late = (starts % 1 > 0.5) & (starts % 1 <= 0.5 + _LATE)
    return np.rint(np.where(late, np.floor(starts) + 0.5, starts) * _SIXTEENTHS).astype(int)


def _more(values: np.ndarray, chosen: np.ndarray) -> float:
    both = chosen.any() and not chosen.all()
    return float(values[chosen].mean() - values[~chosen].mean()) if both else float("nan")
