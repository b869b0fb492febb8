"""What is asked of `task=compose`, read and checked: a sentence, a song intent, chords, and what one wants to fix oneself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path

from kmidi_lab.audio.style import Style
from kmidi_lab.bounds import Bounded, checked_seed
from kmidi_lab.chords.asking import parse_affect
from kmidi_lab.chords.chord import ChordError
from kmidi_lab.chords.spelling import Spelling, parse_spelling, typed_spelling
from kmidi_lab.composition.blues import TWELVE, rounds_known
from kmidi_lab.composition.brief import FASTEST, SLOWEST, style_named
from kmidi_lab.composition.chord_rows import Rows
from kmidi_lab.composition.extent import SHORTEST, Extent
from kmidi_lab.composition.felt import felt_text
from kmidi_lab.composition.form import LONGEST, bars_in
from kmidi_lab.composition.metres import COMMON, decided, metre_named
from kmidi_lab.composition.misspelt import in_plain_letters
from kmidi_lab.composition.request_kinds import check_kinds, check_number
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.taking_up import taken_up
from kmidi_lab.composition.vocabulary import vocabulary
from kmidi_lab.errors import ConfigError, show
from kmidi_lab.song import SongIntent, answer, missing, read_intent
from kmidi_lab.song.vocabularies import mood_affect

_LONGEST_TEXT = 4000
_USUAL_BARS, _USUAL_TEMPO = 32, 100.0
BY_TEXT = "the text"
"""What may say a mood, and does where it names a feeling."""
_SAID = ("core_event", "core_longing", "core_transformation")


class SongRequest(Bounded):
    """Asks for a song. At least one of text, intent, chords, emotion or audio is needed.

    Args:
        text: a sentence: what happened, how it feels.
        intent: a file with a song intent, YAML or JSON.
        example: which intent, of a file with several.
        chords: of verse and chorus, a bar each or as `|` between bars says; or a row for each kind of section.
        key: such as C or F#m; None is the intent's, the chords', or chosen by the mood.
        emotion: a feel word, an emotion label, or valence,arousal in -1..1; None is what text and intent say.
        tempo: 30 to 300 quarters a minute; None is the intent's or the style's.
        bars: 4 to 400; None is the intent's, else 32.
        sections: the form, such as `intro 4, verse 8, chorus 8`; None is one that the structure model draws.
        style: one of the styles of bands.yaml; None is what genre or mood suggest.
        out: the MIDI file to write; None is the run folder.
        sound: also write a WAV file.
        song: an intent that was read already, as a program has it.
        audio: a recording that it shall sound like: tempo, swing and energy, where nothing else says them. Or the style of
            one: the style file of the feel model by name, or what it answered.
        metre: 4/4, 3/4 or 6/8; None is what the words ask for, else 4/4.
        ask: the questions are still to be asked, so that nothing else need be known.
        seed: of what is drawn; None is the `seed` of the lab, or of who composes.

    Raises:
        ConfigError: nothing asked, or a value that can't be read. IntentError: the intent is wrong, or the text too long.
    """

    config_key = "compose"

    def __init__(
        self,
        text: str | None = None,
        intent: str | Path | None = None,
        example: str | None = None,
        chords: str | Sequence[str] | None = None,
        key: str | None = None,
        emotion: str | None = None,
        tempo: float | None = None,
        bars: int | None = None,
        sections: str | None = None,
        style: str | None = None,
        out: str | Path | None = None,
        sound: bool = True,
        song: SongIntent | None = None,
        audio: str | Path | Style | None = None,
        metre: str | None = None,
        ask: bool = False,
        seed: int | None = None,
    ) -> None:
        check_kinds(
            text=text, intent=intent, example=example, chords=chords, key=key, emotion=emotion, sections=sections,
            style=style, out=out, sound=sound, song=song, audio=audio, metre=metre, ask=ask,
        )  # fmt: skip
        said = in_plain_letters(text or "")
        if len(said) > _LONGEST_TEXT:
            raise ConfigError(f"compose.text has {len(said)} characters; give at most {_LONGEST_TEXT}")
        if not (said or intent or chords or emotion or song or audio or ask):
            raise ConfigError(
                'there is nothing to compose from; type compose.text="I feel lost", compose.intent=song.yaml, '
                "compose.chords=…, compose.emotion=… or compose.audio=…, or answer a question of compose.ask=true"
            )
        if isinstance(audio, str | Path) and audio and not Path(audio).exists():
            raise ConfigError(f"compose.audio={show(audio)}: no such file; name a recording")
        self.audio = audio
        check_number("bars", bars, Integral, SHORTEST, LONGEST)
        check_number("tempo", tempo, Real, SLOWEST, FASTEST)
        typed = {"tempo": tempo, "key": key, "style": style, "bars": bars, "sections": sections, "chords": chords}
        plain = _intent(said, song or (read_intent(Path(intent), example) if intent else SongIntent()))
        self.ask, self.known = ask, plain
        self.seed = None if seed is None else checked_seed(seed)
        self.wishes = read_sentence(said or plain.get("core_event"))
        metres = self.wishes.metres or read_sentence(plain.constraints.technical_genre).metres
        self.asked_metre, self.metre_words, self.other_metres = decided(metres, bool(metre))
        self.metre_source = "the text" if said and self.wishes.metres else "the intent"
        self.danced = any(
            name == "3/4" and (words in vocabulary()["dances"] or words in vocabulary()["metre_words"])
            for words, name in metres
        )
        self.metre = metre_named(metre) if metre else self.asked_metre or COMMON
        if self.wishes.tempo and self.wishes.paced:
            low, high = (round(quarters * self.metre.pace) for quarters in self.wishes.tempo)
            self.wishes = replace(self.wishes, tempo=(low, high))
        self.song, self.said_lines = taken_up(self.wishes, plain, typed)
        self.typed, self.said = {**typed, "metre": metre}, said
        if self.wishes.leaves_nothing:
            raise ConfigError(
                "compose.text leaves out every part; keep at least one of melody, chords, pad, bass and drums"
            )
        self.affect = _affect(emotion)
        chords = chords or self.wishes.chords
        together = chords if isinstance(chords, str) else " ".join(chords)
        own_key = key or (self._said_key if self.wishes.key[0] else None)
        self.rows = Rows(together, own_key) if together.strip() else None
        self.chart = self.rows.chart if self.rows else None
        self.spelling = _spelling(key) if key else None
        self.tempo = None if tempo is None else float(tempo)
        known = (None if bars is None else int(bars)) or self.song.directive.output_bars
        self.extent = Extent(sections, known, self.wishes.seconds, self.wishes.form)
        self.form = self.extent.form(self._usual_tempo, self.metre)
        self.style = style_named(style) if style else None
        self.out, self.sound = None if out is None else str(out), sound
        check_number("bars", self.length, Integral, SHORTEST if not self.form else 1, LONGEST)

    @property
    def _said_key(self) -> str | None:
        """The key that the text or the intent asks for, in major or minor."""
        asked, known = self.song.constraints.technical_key, self.song.key
        return str(replace(parse_spelling(asked), key=known)) if asked and known else None

    @property
    def blues(self) -> int:
        """Bars of the rounds of a blues, 12 where there are none of so many; 0 where none is asked for, or own chords are."""
        asked = self.wishes.blues or (TWELVE if "blues" in self.known.constraints.technical_genre.lower() else 0)
        if not asked or self.rows:
            return 0
        return asked if asked in rounds_known() else TWELVE

    @property
    def questions(self) -> list[str]:
        """What a person would be asked next: fields of the intent that are still open."""
        return [str(field) for field in missing(self.song)]

    @property
    def length(self) -> int:
        """Bars of the song."""
        if self.form:
            return bars_in(self.form)
        return self.extent.bars(self._usual_tempo, self.metre) or _USUAL_BARS

    @property
    def _usual_tempo(self) -> float:
        """Quarters a minute that a length in seconds is counted with before a style is chosen."""
        return self.tempo or self.pace or _USUAL_TEMPO

    @property
    def form_by(self) -> str:
        """Who says the form; empty where nobody does."""
        return "typed" if self.typed["sections"] else "the text" if self.form else ""

    @property
    def metre_by(self) -> str:
        """What says the metre; empty where nothing does."""
        if typed := self.typed["metre"]:
            return f"compose.metre={typed} was typed"
        return f"{self.metre_source} says {self.asked_metre.name}" if self.asked_metre else ""

    @property
    def pace(self) -> float | None:
        """The tempo that the intent or the text asks for."""
        asked = self.song.constraints.technical_tempo_range
        return (asked[0] + asked[1]) / 2 if asked else None

    @property
    def tempo_by(self) -> str:
        """What says the tempo; empty where nothing does."""
        if self.tempo is not None:
            return f"compose.tempo={self.tempo:g} was typed"
        if self.pace is None:
            return ""
        text = any(line.what == "tempo" and not line.unused for line in self.said_lines)
        return f"the {'text' if text else 'intent'} says {self.pace:g}"

    @property
    def mood_by(self) -> str:
        """What may say the mood; empty where nothing does. A text that is read may still name no feeling."""
        if self.affect:
            return "compose.emotion"
        return "the intent" if self.song.get("mood_primary") else BY_TEXT if self.unread else ""

    @property
    def unread(self) -> str:
        """What a model of texts should read: what happened, what is longed for; empty where the mood is given already."""
        if self.affect or self.song.get("mood_primary"):
            return ""
        return felt_text(". ".join(text for field in _SAID if (text := self.song.get(field))), self.wishes)


def _intent(said: str, song: SongIntent) -> SongIntent:
    return answer(song, "core_event", said) if said and not song.get("core_event") else song


def _spelling(key: str) -> Spelling:
    try:
        return typed_spelling(key)
    except ChordError as error:
        raise ConfigError(f"compose.key: {error}") from None


def _affect(emotion: str | None) -> tuple[float, float] | None:
    """Valence and arousal of a word, of numbers, or of a mood in more words. Raises ConfigError: none is known."""
    try:
        return parse_affect(emotion, "compose.emotion")
    except ConfigError:
        place = mood_affect(str(emotion))
        if place is None:
            raise
        return place
