"""task=predict for the models that listen: a recording or live samples to readings over time, as text, JSON and a picture."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig

from kmidi_lab.audio.io import LOUDEST, read_audio
from kmidi_lab.audio.mel_scale import FRAME_S, HOP, RATE, WINDOW
from kmidi_lab.audio.mel_stream import MelStream
from kmidi_lab.errors import ConfigError
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import Published, load_published
from kmidi_lab.inference.timeline import timeline_png

READS = ("audio", "rate", "every")
STANDARD_INPUT = "-"
_BLOCK = 4096
_PAUSE = round(0.5 / FRAME_S)
"""Half a second, in frames."""
_SAMPLE = np.dtype("<f4")
Frames = NDArray[np.float32]


@dataclass
class Reading:
    """What a model says of a stretch of sound: numbers to draw, and for each question its answer and how sure it is."""

    values: dict[str, float]
    answers: dict[str, tuple[str, float]] = field(default_factory=dict)


Read = Callable[[Frames], Reading]
"""Reads the mean output `[M]` of a stretch."""


def main(
    cfg: DictConfig,
    context: dict[str, Any],
    reader: Callable[[Published], Read],
    fallback: Callable[[Frames], Reading] | None = None,
    counts: Callable[[Frames], bool] = lambda frame: True,
    from_onset: bool = False,
) -> None:
    """Runs the published model frame by frame, with its state, and reads the mean of its outputs every so often.

    Args:
        reader: makes a `Read` for the published model. fallback: reads the mean mel frame `[128]` where there is no model.
        counts: whether the output of a frame `[128]` enters the means; all frames go through the model.
        from_onset: reset the model where sound begins, at first or behind half a second of silence: for models that were trained on
            sounds without silence before them.

    Raises:
        ConfigError: no audio, a value out of range, no model and no fallback. AudioError, UserError: sound that can't be used.
    """
    wanted, name = cfg.predict, cfg.model.name
    if not wanted.audio:
        raise ConfigError(
            f"task=predict model={name} needs sound; type predict.audio=x.wav, or predict.audio=- for samples"
        )
    if wanted.audio != STANDARD_INPUT and not Path(wanted.audio).exists():
        raise ConfigError(f"predict.audio={wanted.audio}: no such file; name a recording, or - for samples")
    if not FRAME_S <= wanted.every <= 3600:
        raise ConfigError(f"predict.every={wanted.every} must be 0.016 to 3600 seconds, such as predict.every=0.5")
    published = load_published(Path(cfg.models_root), name)
    step: Callable[[Frames], Frames]
    if published is not None:
        for warning in published.warnings():
            _print(warning)
        published.model.reset()
        step, read = published.model, reader(published)
    elif fallback is not None:
        _print(f"No trained {name} model in {cfg.models_root}: this is a guess from how loud it is.")
        step, read = (lambda frame: frame), fallback
    else:
        raise ConfigError(
            f"no trained {name} model in {cfg.models_root}; train one, or type models_root=outputs/release"
        )
    live = wanted.audio == STANDARD_INPUT
    if live and sys.stdin is None:
        raise ConfigError("predict.audio=- reads standard input, which is closed; pipe samples into it")
    frames = _live(sys.stdin.buffer, MelStream(wanted.rate)) if live else _recorded(Path(wanted.audio))
    source = "standard input" if live else wanted.audio
    onset = published.model.reset if published is not None and from_onset else lambda: None
    found = listen(frames, step, read, wanted.every, _say, counts, onset)
    _finish(found, source, published, context["folder"], name, wanted.every)


def listen(
    blocks: Iterator[Frames],
    step: Callable[[Frames], Frames],
    read: Read,
    every: float,
    say: Callable[[Any], bool],
    counts: Callable[[Frames], bool] = lambda frame: True,
    onset: Callable[[], None] = lambda: None,
) -> list[tuple[float, Reading]]:
    """Readings as (seconds from the start to the end of the stretch, reading), the last of them of all frames that count.

    `onset` is called before a frame that counts at the beginning or behind half a second without one. A stretch without any such frame has no reading. Ends with the blocks, with Ctrl-C, or when `say` returns False.
    """
    a_reading, readings = max(1, round(every / FRAME_S)), []
    total, part, frames, since, all_counted, counted = np.zeros(1), np.zeros(1), 0, 0, 0, 0
    silent = _PAUSE

    def tell() -> bool:
        nonlocal part, since, counted
        # Forgotten first: Ctrl-C while it is printed must not read the stretch again.
        whole, of, part, since, counted = part, counted, np.zeros(1), 0, 0
        if not of:
            return True
        readings.append((_seconds(frames), read((whole / of).astype(np.float32))))
        return say(readings[-1])

    try:
        for frame in chain.from_iterable(blocks):
            heard = counts(frame)
            if heard and silent >= _PAUSE:
                onset()
            silent = 0 if heard else silent + 1
            output = np.asarray(step(frame), np.float64)
            if heard:
                total, part, all_counted, counted = total + output, part + output, all_counted + 1, counted + 1
            frames, since = frames + 1, since + 1
            if since == a_reading and not tell():
                break
    except KeyboardInterrupt:
        _print("stopped")
    if since:
        tell()
    if all_counted:
        readings.append((_seconds(frames), read((total / all_counted).astype(np.float32))))
    return readings


def _seconds(frames: int) -> float:
    return ((frames - 1) * HOP + WINDOW) / RATE


def _recorded(path: Path) -> Iterator[Frames]:
    samples, stream = read_audio(path, RATE), MelStream()
    for at in range(0, len(samples), _BLOCK):
        yield stream.push(samples[at : at + _BLOCK])


def _live(source: BinaryIO, stream: MelStream) -> Iterator[Frames]:
    """Frames of raw little-endian float32 samples as they come in; a sample that is cut in two waits for its rest."""
    kept = b""
    while data := source.read1(_BLOCK * _SAMPLE.itemsize):  # type: ignore[attr-defined]
        kept += data
        whole = len(kept) // _SAMPLE.itemsize * _SAMPLE.itemsize
        samples, kept = np.frombuffer(kept[:whole], _SAMPLE), kept[whole:]
        if not (np.abs(samples) <= LOUDEST).all():
            print("a block with samples that are no sound (NaN, infinite, huge) was left out", file=sys.stderr)
            continue
        yield stream.push(samples)
    yield stream.finish()


def _print(text: str) -> bool:
    """False when nobody reads what is printed any more; what is printed later is then lost in silence."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _say(reading: tuple[float, Reading]) -> bool:
    seconds, said = reading
    answers = "  ".join(f"{question} {answer} {sure:.0%}" for question, (answer, sure) in said.answers.items())
    values = "  ".join(f"{name} {value:+.2f}" for name, value in said.values.items())
    return _print(f"{seconds:7.2f} s  {values}  {answers}".rstrip())


def _finish(
    found: list[tuple[float, Reading]],
    source: str,
    published: Published | None,
    folder: Path,
    name: str,
    every: float,
) -> None:
    if not found:
        raise ConfigError(
            f"{source}: nothing to read: silent, or shorter than a frame of {WINDOW} samples at {RATE} Hz; give more sound"
        )
    *readings, (seconds, summary) = found
    _print("as a whole:")
    _say((seconds, summary))
    entry = published.entry if published else {}
    report = {
        "model": name,
        "run": entry.get("training", {}).get("run_id"),
        "status": entry.get("status", "no model"),
        "source": source,
        "every_s": every,
        "readings": [{"seconds": at, **_plain(reading)} for at, reading in readings],
        "summary": {"seconds": seconds, **_plain(summary)},
    }
    write_atomic(folder / "reading.json", json.dumps(report, indent=1).encode())
    write_atomic(folder / "timeline.png", timeline_png(readings, f"{name}: {source}", every))
    _print(f"written: {folder / 'reading.json'}, {folder / 'timeline.png'}")


def _plain(reading: Reading) -> dict[str, Any]:
    answers = {q: {"answer": answer, "probability": sure} for q, (answer, sure) in reading.answers.items()}
    return {"values": reading.values, "answers": answers}


def likeliest(logits: Frames, names: list[str]) -> tuple[str, float]:
    """The name of the largest of logits `[K]` and its softmax."""
    p = np.exp(logits - logits.max())
    return names[int(logits.argmax())], float(p.max() / p.sum())
