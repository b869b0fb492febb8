"""Small sets of performances in ASAP's layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np

QUARTER = 480


def two_hands(bars: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sixteenths over chords: onset and duration in quarter notes, pitch."""
    fast = [(k / 4, 0.25, int(p)) for k, p in enumerate(rng.integers(60, 84, bars * 16))]
    chords = [(b + 0.0, 1.0, int(p)) for b in range(bars * 4) for p in rng.choice(np.arange(36, 58), 3, replace=False)]
    onset, duration, pitch = (np.array(c) for c in zip(*fast, *chords, strict=True))
    return onset.astype(float), duration.astype(float), pitch.astype(int)


def write_asap(root: Path, pieces: int = 6) -> Path:
    """A small set in ASAP's layout: each piece with two performances, and rows that can't be used."""
    from symusic import Note, Score, Track

    rng = np.random.default_rng(0)
    base = root / "asap"
    header = (
        "composer,title,folder,xml_score,midi_score,midi_performance,performance_annotations,midi_score_annotations"
    )
    rows = [header]
    for number in range(pieces):
        onset, duration, pitch = two_hands(4, rng)
        folder = f"Somebody/Piece_{number}"
        (base / folder).mkdir(parents=True)
        for name, factor in (("midi_score", 1.0), ("A", 1.2), ("B", 0.9)):
            out = Score(QUARTER)
            track = Track("", 0, False)
            for o, d, p in zip(onset, duration, pitch, strict=True):
                jitter = 0.0 if name == "midi_score" else float(rng.normal(0, 0.01))
                track.notes.append(
                    Note(
                        int((o * factor + jitter + 0.2) * QUARTER),
                        int(d * factor * 400),
                        int(p),
                        int(60 + 20 * (o % 1 == 0)),
                    )
                )
            out.tracks.append(track)
            out.dump_midi(str(base / folder / f"{name}.mid"))
            beats = [f"{(b * factor + 0.2) / 2}\t{(b * factor + 0.2) / 2}\tb" for b in range(16)]
            (base / folder / f"{name}_annotations.txt").write_text("\n".join(beats))
        for name in ("A", "B"):
            f = f"{folder}/{name}"
            rows.append(
                f"Somebody,{number},{folder},,{folder}/midi_score.mid,{f}.mid,{f}_annotations.txt,{folder}/midi_score_annotations.txt"
            )
    first = "Somebody/Piece_0"
    (base / first / "short.txt").write_text("0.1\t0.1\tb\n")
    (base / first / "text.mid").write_text("not MIDI")
    for midi, beats in (
        ("A.mid", "short.txt"),
        ("text.mid", "A_annotations.txt"),
        ("missing.mid", "A_annotations.txt"),
    ):
        rows.append(
            f"Somebody,x,{first},,{first}/midi_score.mid,{first}/{midi},{first}/{beats},{first}/midi_score_annotations.txt"
        )
    other = "Somebody/Piece_1/A"  # another piece's performance: the beats agree, the notes do not
    rows.append(
        f"Somebody,x,{first},,{first}/midi_score.mid,{other}.mid,{other}_annotations.txt,{first}/midi_score_annotations.txt"
    )
    rows.append(f"Somebody,x,{first},,,,,")
    (base / "metadata.csv").write_text("\n".join(rows))
    return root
