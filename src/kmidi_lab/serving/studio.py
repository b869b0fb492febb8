"""What the page can do, apart from HTTP: ask the next question, compose, let a model play or listen, keep a rating."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

from kmidi_lab.audio.style_file import begins_as_style, read_style, style_from
from kmidi_lab.bounds import checked_seed
from kmidi_lab.composition.picture import song_picture
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.reference import heard_style, listened
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.song import composed
from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.feedback.store import FILE, Store
from kmidi_lab.feedback.use_ids import use_id
from kmidi_lab.inference.api import request_of
from kmidi_lab.midi.sound import NoSoundError, wav_bytes
from kmidi_lab.serving.asking import shortened, way_of
from kmidi_lab.serving.chosen import CHOSEN, chosen, drawn_events
from kmidi_lab.serving.guards import MEGABYTE, Shelf
from kmidi_lab.serving.questions import asked_next, song_of
from kmidi_lab.serving.ratings import compared, rated_song, take_in_old
from kmidi_lab.serving.sent import sent_recording
from kmidi_lab.serving.speech import NOTHING, page_line
from kmidi_lab.song import to_json

MOST_BARS = 128
_LONGEST_TYPED = 1000
_SENT = "the file"
_BEGINNINGS = ("text", "chords", "emotion")
"""Settings that a song can be made of."""
SETTINGS = ("text", "chords", "key", "emotion", "tempo", "bars", "sections", "style", "metre")


class Studio:
    """One at a time works: models and matplotlib are not made for several threads.

    Args:
        root: models folder.
        folder: where ratings are kept, in the store of feedback.
        cache_dir: prepared data.
        spare: another models folder, which answers for models that `root` lacks; None for no other.
    """

    def __init__(self, root: Path, folder: Path, cache_dir: Path, spare: Path | None = None) -> None:
        self._root, self._folder, self._cache_dir, self._spare = root, folder, cache_dir, spare
        self._store = Store(folder / FILE)
        take_in_old(folder, self._store)
        self._lock = Lock()
        self.shelf = Shelf(32, 256 * MEGABYTE)

    def question(self, answers: Sequence[Sequence[Any]], thorough: bool = False) -> dict[str, Any] | None:
        """The next question after some answers, `[field, value]` each; None when enough is known.

        `thorough` also asks what the lab can well choose by itself.

        Raises:
            UserError: an answer that is not allowed.
        """
        return asked_next(song_of(answers), thorough)

    def reference(self, data: bytes) -> dict[str, Any]:
        """The style of an uploaded recording, or of a style file of one, and a line that says what a song takes of it.

        Nothing is kept: `compose` is told the style.

        Raises:
            UserError: data that can't be heard or read.
        """
        with self._lock:
            players = Players(self._root, self._cache_dir, self._spare)
            if begins_as_style(data):
                style = read_style(data, _SENT)
            else:
                sent, rate = sent_recording(data)
                style = heard_style(players, audio=sent.samples, rate=rate)
        taken, unsure = listened(style, players)
        return {"style": style.plain(), "line": page_line((unsure or taken.lines("", ""))[0])}

    def compose(
        self, answers: Sequence[Sequence[Any]], settings: Mapping[str, Any], seed: int, reference: Any = None
    ) -> dict[str, Any]:
        """A song; its files are kept on the shelf.

        Args:
            answers: of the questions.
            settings: some of `SETTINGS`.
            seed: 0 to 2³² − 1.
            reference: the style of a recording that it shall sound like, as `reference` gives it; None for none.

        Raises:
            UserError: what was asked can't be.
        """
        checked_seed(seed)
        if not (answers or reference or any(str(settings.get(name) or "").strip() for name in _BEGINNINGS)):
            raise ConfigError(NOTHING)
        heard = None if reference is None else style_from(reference, "reference")
        request = SongRequest(**settings, audio=heard, song=song_of(answers) if answers else None)
        if request.length > MOST_BARS:
            raise ConfigError(
                f"a song of {request.length} bars is too long for the page: give at most {MOST_BARS}; the command line makes longer ones"
            )
        with self._lock:
            players = Players(self._root, self._cache_dir, self._spare)
            song = composed(request, players, seed)
            brief = song.brief
            title = brief.headline
            files = {"mid": song.midi, "png": song_picture(song.arrangement, title, brief.spelling)}
            files |= {"json": orjson.dumps(song.trace, option=orjson.OPT_INDENT_2)}
            files |= {"intent": to_json(request.song).encode()}
            files |= _sound(song.midi)
        kept = self.shelf.put(files | {CHOSEN: chosen(song, players)})
        return {
            "id": kept,
            "title": title,
            "files": sorted(files),
            "trace": song.trace,
            "remarks": [*map(page_line, song.remarks)],
        }

    def ask(self, model: str, data: bytes) -> dict[str, Any]:
        """What a model makes of an uploaded MIDI file or recording.

        Raises:
            UserError: no such model here, or data that it can't read.
        """
        way = way_of(model, typed=False)
        with self._lock:
            players = Players(self._root, self._cache_dir, self._spare)
            if way.key == "midi":
                return self._played(players.ask(model, midi=data), players.trace[model].by)
            sent, rate = sent_recording(data)
            heard = players.ask(model, audio=sent.samples, rate=rate)
        answers = {q: {"answer": a, "probability": round(p, 3)} for q, (a, p) in heard.summary.answers.items()}
        values = {name: round(value, 3) for name, value in heard.summary.values.items()}
        notes = [("note", f"{note} ({detail})") for note, detail in sent.notes]
        return {
            "rows": [*request_of(model).rows(heard), *notes],
            "values": values,
            "answers": answers,
            "unsure": heard.unsure,
            "by": players.trace[model].by,
        }

    def tell(self, model: str, text: str) -> dict[str, Any]:
        """What a model makes of chords, a sentence or a number of bars that was typed.

        Raises:
            UserError: no such model here, or a text that it can't read.
        """
        way = way_of(model, typed=True)
        if len(text) > _LONGEST_TYPED:
            raise ConfigError(f"{len(text)} characters were typed; give at most {_LONGEST_TYPED}")
        number = way.example.isdecimal()
        if number and not text.strip().isdecimal():
            raise ConfigError(f"{way.key}: {text.strip()[:40]!r} is no whole number; type one, such as {way.example}")
        with self._lock:
            players = Players(self._root, self._cache_dir, self._spare)
            asked: dict[str, Any] = {way.key: int(text) if number else text}
            answer = players.ask(model, **asked)
            by = players.trace[model].by
            if hasattr(answer, "midi"):
                return self._played(answer, by)
        rows = request_of(model).rows(answer)
        if isinstance(answer, list):
            return {"rows": rows, "answer": {name: round(share, 3) for name, share in answer}, "by": by}
        record = answer.record() if hasattr(answer, "record") else answer.plain()
        return {"rows": rows, "answer": shortened(record), "by": by}

    def _played(self, answer: Any, by: str) -> dict[str, Any]:
        """MIDI that a model made, kept with its sound; what a person should know of it is told."""
        files = {"mid": answer.midi} | _sound(answer.midi)
        # What to type for it the page has no field for.
        remarks = [remark.partition("; predict.")[0] for remark in getattr(answer, "remarks", ())]
        return {"id": self.shelf.put(files), "files": sorted(files), "by": by, "remarks": remarks}

    def rate(self, first: str, second: str, better: str) -> None:
        """Keeps which of two songs a person liked better, beside what made them, their chords and drums; no text of theirs.

        Raises:
            ConfigError: no such song, one song twice, or no such answer.
        """
        if better not in ("first", "second", "same"):
            raise ConfigError(one_of("better", better, ("first", "second", "same")))
        if first == second:
            raise ConfigError("first and second are the same song; give two songs")
        if not (self.shelf.has(first) and self.shelf.has(second)):
            raise ConfigError("a song is not kept any more; compose both again")
        songs = [orjson.loads(self.shelf.get(name, "json")) for name in (first, second)]
        kept = [rated_song(trace) for trace in songs]
        rated = compared(kept, better, use_id(self._folder))
        drawn = [(name, self.shelf.get(name, CHOSEN)) for name in (first, second)]
        self._store.add([*rated, *drawn_events(drawn, rated)])


def _sound(midi: bytes) -> dict[str, bytes]:
    """The WAV of a MIDI file, where there can be one."""
    try:
        return {"wav": wav_bytes(midi)}
    except NoSoundError:
        return {}
