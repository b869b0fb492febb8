"""Reading MIDI in bulk: files a second by reader on the same files, as ratios to muspy, and the memory of a long job.

    python benchmarks/midi.py

Files: those below DATA_ROOT (POP909, Groove, ASAP), a sample spread over them all; without it, performances made here.
Readers are timed by the processor's clock, which other programs disturb little, the bulk job by the wall's, too. The
projection to Lakh takes its 176,581 files to be as large as these.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from datamodules.shared.midi_reading import prepare_shards
from datamodules.shared.shards import Arrays
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.provenance import machine_fingerprint

LAKH_FILES = 176_581
_SAMPLE, _ROUNDS = 60, 3
_BULK_FILES = 1500


def all_notes(piece: Piece) -> Arrays:
    return {"notes": np.concatenate([track.notes for track in piece.tracks])}


def performances(folder: Path) -> list[Path]:
    """Sixty files of three parts and 2,000 notes each: for machines without DATA_ROOT."""
    import pretty_midi

    paths = []
    for seed in range(_SAMPLE):
        rng, score = np.random.default_rng(seed), pretty_midi.PrettyMIDI(initial_tempo=100)
        for drum in (False, False, True):
            part = pretty_midi.Instrument(0, is_drum=drum)
            starts = rng.uniform(0, 180, 667)
            part.notes = [
                pretty_midi.Note(int(v), int(p), s, s + 0.3)
                for s, p, v in zip(starts, rng.integers(30, 90, 667), rng.integers(1, 128, 667), strict=True)
            ]
            score.instruments.append(part)
        paths.append(folder / f"{seed}.mid")
        score.write(str(paths[-1]))
    return paths


def rate(read: Callable[[Path], object], paths: list[Path]) -> float:
    """Files a processor second, median of three rounds."""
    times = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        for path in paths:
            read(path)
        times.append(time.process_time() - start)
    return len(paths) / median(times)


def compare(paths: list[Path]) -> None:
    # Not above: worker processes import this file, and need none of them.
    import mido
    import muspy
    import pretty_midi
    import symusic

    readers: dict[str, Callable[[Path], object]] = {
        "ours": read_piece,
        "symusic": symusic.Score,
        "muspy": muspy.read_midi,
        "mido": mido.MidiFile,
        "pretty_midi": lambda path: pretty_midi.PrettyMIDI(str(path)),
    }
    rates = {name: rate(read, paths) for name, read in readers.items()}
    for name, value in rates.items():
        hours = LAKH_FILES / value / 3600
        print(f"{name}: {value:.0f} files/s, {value / rates['muspy']:.1f} x muspy, Lakh in {hours:.2f} h on one core")


def copies(paths: list[Path], folder: Path, count: int) -> None:
    """Distinct files: every one with its number behind its last track, where readers don't look."""
    folder.mkdir()
    contents = [path.read_bytes() for path in paths]
    for i in range(count):
        (folder / f"{i:06}.mid").write_bytes(contents[i % len(contents)] + i.to_bytes(4, "big"))


def bulk(folder: Path, cache: Path) -> None:
    """One job in a process of its own, so that its peak is its own; prints what it took."""
    files, start = sorted(folder.iterdir()), time.perf_counter()
    prepared = prepare_shards(files, folder, cache, all_notes, "benchmark", workers=2)
    seconds = time.perf_counter() - start
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor = sum(u.ru_utime + u.ru_stime for u in usage)
    times = {"seconds": seconds, "processor_s": processor}
    print(json.dumps({"read": len(prepared), **times, "parent_mb": peak_mb()}))


def peak_mb() -> float:
    """Of this process. Linux's ru_maxrss would be that of the process it was forked from, where that was larger."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.open() if line.startswith("VmHWM")) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure_bulk(paths: list[Path], temp: Path) -> None:
    for times in (1, 10):
        folder = temp / f"{times}x"
        copies(paths, folder, times * _BULK_FILES)
        command = [sys.executable, __file__, "--bulk", str(folder), str(temp / f"cache{times}")]
        job = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(
            f"bulk, 2 workers, {job['read']} files: {job['read'] / job['seconds']:.0f} files/s into shards "
            f"({job['read'] / job['processor_s']:.0f} a processor second), "
            f"peak {job['parent_mb']:.0f} MiB"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bulk", nargs=2, type=Path, metavar=("FOLDER", "CACHE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bulk:
        bulk(*arguments.bulk)
        return
    warnings.simplefilter("ignore")
    machine = machine_fingerprint()
    with tempfile.TemporaryDirectory() as temp:
        root = os.environ.get("DATA_ROOT")
        found = sorted(Path(root).rglob("*.mid")) if root else []
        paths = found[:: max(1, len(found) // _SAMPLE)][:_SAMPLE] or performances(Path(temp))
        notes = np.mean([len(all_notes(read_piece(path))["notes"]) for path in paths])
        size = np.mean([path.stat().st_size for path in paths]) / 1024
        where = "below DATA_ROOT" if found else "made here, not real music"
        print(f"{machine['cpu']}; {len(paths)} files {where}, on average {notes:.0f} notes and {size:.1f} KiB")
        compare(paths)
        measure_bulk(found or paths, Path(temp))


if __name__ == "__main__":
    main()
