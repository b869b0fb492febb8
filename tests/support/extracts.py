"""What the tests make of a piece: in a module of its own, so that worker processes can import it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import MidiError


def note_count(piece: Piece) -> int:
    return sum(len(track.notes) for track in piece.tracks)


def pitches(piece: Piece) -> dict[str, np.ndarray]:
    return {"pitch": np.concatenate([track.notes["pitch"] for track in piece.tracks])}


def by_name(piece: Piece) -> int:
    """Does to its worker what the first track's name says."""
    deed = piece.tracks[0].name
    if deed == "abort":
        os.abort()
    if deed == "kill":
        os.kill(os.getpid(), 9)
    if deed == "hang":
        time.sleep(600)
    if deed == "hog":
        hoard = []
        while True:
            hoard.append(np.ones(2**20))
    if deed == "raise":
        raise ZeroDivisionError("on purpose")
    if deed == "refuse":
        raise MidiError("not wanted")
    if deed == "unpicklable":
        return lambda: 0  # type: ignore[return-value]
    if deed == "exit":
        raise SystemExit(3)
    return note_count(piece)


def slow(piece: Piece) -> int:
    time.sleep(0.02)
    return note_count(piece)


def lopsided(piece: Piece) -> dict[str, np.ndarray]:
    return {"x": np.zeros((1, 1 + note_count(piece) % 3))}


def killing(piece: Piece) -> dict[str, np.ndarray]:
    if note_count(piece) == 10:
        os.abort()
    return pitches(piece)


def napping(path: Path) -> dict[str, np.ndarray]:
    """Takes three seconds over one file."""
    if path.stem == "slow":
        time.sleep(3.0)
    return {"size": np.array([path.stat().st_size])}
