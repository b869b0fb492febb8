"""What the page of `task=label` can do, apart from HTTP: show and play questions, keep labels, say how far raters agree."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import soundfile

from kmidi_lab.audio.io import read_recording
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback.labels import Labels, kappa
from kmidi_lab.feedback.material import Asker, Item, event_fields
from kmidi_lab.files import sha256_file
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.midi.sound import wav_bytes

_RATE, _HEARD_S = 44_100, 180
_LONGEST_NAME, _SHOWN = 40, 6


class Desk:
    """The questions by their numbers: a client names no file. One request at a time works.

    Args:
        asker: the model.
        items: what is asked, in this order.
        labels: where labels go.
        clock: seconds since 1970.
    """

    def __init__(
        self, asker: Asker, items: Sequence[Item], labels: Labels, clock: Callable[[], float] = time.time
    ) -> None:
        self._request, self._published, self._items, self._labels = asker.request, asker.published, items, labels
        self._clock, self._lock, self._names = clock, Lock(), dict[str, str]()

    def queue(self) -> dict[str, Any]:
        """What holds for all questions."""
        return {
            "model": self._published.contract.model,
            "items": len(self._items),
            "typed": self._request.typed_label,
            "tapped": self._request.tapped_label,
        }

    def item(self, number: int) -> dict[str, Any]:
        """A question as the page shows it; the model's guess is told with a label only, so that it sways nobody.

        Raises:
            ConfigError: no such number.
        """
        item, question = self._item(number), self._item(number).question
        with self._lock:
            midi = self._request.heard(question, "")
        return {
            "source": item.source.encode("utf-8", "replace").decode(),
            "text": question.text,
            "sound": question.sound is not None or midi is not None,
            "plays_choices": midi is not None,
            "notes": _notes(midi) if midi else [],
            "given": question.given,
            "choices": self._request.choices(question, item.guess, self._published),
        }

    def sound(self, number: int, label: str = "") -> bytes:
        """A WAV file of a question: the recording, or the MIDI file with a label's chord behind it.

        Raises:
            ConfigError: no such number, or nothing to hear. DataError: the file is not what it was. LabError: it can't
                be played.
        """
        question = self._item(number).question
        with self._lock:
            if question.sound is not None:
                return _recording(question.sound, question.item)
            checked = self._request.checked_label(label, self._published) if label else ""
            midi = self._request.heard(question, checked)
            if midi is None:
                raise ConfigError("nothing to hear in a text")
            return wav_bytes(midi)

    def rater(self, name: str) -> dict[str, Any]:
        """What a rater has labelled, by the numbers of the questions."""
        with self._lock:
            return self._state(self._use(name))

    def label(self, name: str, number: int, text: str) -> dict[str, Any]:
        """Keeps a label; when it returns, the label is on the disk.

        Raises:
            ConfigError: no such number, or no label of the model. EventError: as `Labels.put`.
        """
        item = self._item(number)
        guess, chance = item.guess.likeliest
        with self._lock:
            use, label = self._use(name), self._request.checked_label(text, self._published)
            more = event_fields(item.question, self._published)
            self._labels.put(use, item.question.item, label, int(self._clock()), **more)
            return self._state(use) | {"kept": label, "guess": guess, "chance": round(chance, 3)}

    def undo(self, name: str, number: int) -> dict[str, Any]:
        """Takes a rater's label of a question back."""
        item = self._item(number)
        with self._lock:
            use = self._use(name)
            self._labels.take_back(use, item.question.item)
            return self._state(use)

    def _item(self, number: int) -> Item:
        if not 0 <= number < len(self._items):
            raise ConfigError(f"no question {number}; there are {len(self._items)}")
        return self._items[number]

    def _use(self, name: str) -> str:
        """Raises ConfigError: no name."""
        name = " ".join(name.split())
        if not 0 < len(name) <= _LONGEST_NAME:
            raise ConfigError(f"give your name, of at most {_LONGEST_NAME} characters; it is not kept")
        use = self._labels.rater(name)
        self._names[use] = name
        return use

    def _state(self, use: str) -> dict[str, Any]:
        own = self._labels.of(use)
        done = {n: own[item.question.item] for n, item in enumerate(self._items) if item.question.item in own}
        return {"labels": done, "agreement": self._agreement(use)}

    def _agreement(self, use: str) -> list[dict[str, Any]]:
        """Of a rater with each other, those with most items in common first."""
        rows = []
        for a, b, pairs in self._labels.agreement():
            if use in (a, b):
                other = b if use == a else a
                row: dict[str, Any] = {"with": self._names.get(other, f"{other[:8]}…"), "common": len(pairs)}
                row["alike"] = sum(self._request.alike(x, y) for x, y in pairs)
                row["kappa"] = round(kappa(pairs), 2) if self._request.labels(self._published) else None
                rows.append(row)
        return sorted(rows, key=lambda row: -row["common"])[:_SHOWN]


def _recording(path: Path, item: str) -> bytes:
    """The beginning of a recording as a WAV file. Raises DataError: another recording lies there by now."""
    if not path.is_file() or sha256_file(path) != item:
        raise DataError("the recording is not there any more, or another by now; skip it")
    samples = read_recording(path, _RATE).samples[: _HEARD_S * _RATE]
    out = io.BytesIO()
    soundfile.write(out, samples, _RATE, format="WAV", subtype="PCM_16")
    return out.getvalue()


def _notes(midi: bytes) -> list[tuple[float, float, int]]:
    """Start and length in seconds, and pitch, of each note."""
    piece = read_piece(midi)
    out = []
    for track in piece.tracks:
        for note in track.notes:
            start, end = (float(piece.seconds(t)) for t in (note["start"], note["start"] + note["duration"]))
            out.append((round(start, 3), round(end - start, 3), int(note["pitch"])))
    return out
