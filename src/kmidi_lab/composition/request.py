"""What is asked of `task=compose`, read and checked: a sentence, a song intent, chords, and what one wants to fix oneself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from types import NoneType

from kmidi_lab.bounds import Bounded
from kmidi_lab.chords.asking import parse_affect
from kmidi_lab.chords.chart import read_chart
from kmidi_lab.chords.chord import MODES
from kmidi_lab.chords.spelling import Spelling, parse_spelling
from kmidi_lab.composition.bands import Band, band_of_genre, styles_told, waltzing, with_feel
from kmidi_lab.composition.brief import Brief, Mood, chosen, style_named
from kmidi_lab.composition.form import LONGEST, LONGEST_SECTION, MOST_SECTIONS, Stretch, read_form
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.metres import COMMON, METRES, SongMetre, decided, metre_named
from kmidi_lab.composition.reference import Reference
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.taking_up import (
    Limits,
    Taken,
    band_lines,
    bars_of,
    length_line,
    metre_line,
    nothing_left,
    taken_up,
    with_instruments,
)
from kmidi_lab.composition.words import vocabulary
from kmidi_lab.errors import ConfigError, show
from kmidi_lab.song import SongIntent, answer, filled, missing, read_intent
from kmidi_lab.song.suggestions import affect
from kmidi_lab.song.vocabularies import mood_affect, nearest_moods

SHORTEST = 4
"""Bars of a song; `form.LONGEST` is the most."""
SLOWEST, FASTEST = 30, 300
"""Quarters a minute."""
_LONGEST_TITLE, _LONGEST_TEXT = 60, 4000
_USUAL_BARS, _USUAL_TEMPO = 32, 100.0
_FULLNESS = {"High": 0.8, "Low": 1.1}
"""What vulnerability does to how full a song is: the more exposed, the sparser."""
_FREE = "Rubato/Free"
_SAID = ("core_event", "core_longing", "core_transformation")


class SongRequest(Bounded):
    """Asks for a song. At least one of text, intent, chords, emotion or audio is needed.

    Args:
        text: a sentence: what happened, how it feels.
        intent: a file with a song intent, YAML or JSON.
        example: which intent, of a file with several.
        chords: of verse and chorus, a bar each or as `|` between bars says.
        key: such as C or F#m; None is the intent's, the chords', or chosen by the mood.
        emotion: a feel word, an emotion label, or valence,arousal in -1..1; None is what text and intent say.
        tempo: 30 to 300 quarters a minute; None is the intent's or the style's.
        bars: 4 to 400; None is the intent's, else 32.
        sections: the form, such as `intro 4, verse 8, chorus 8`; None is one that the structure model draws.
        style: one of the styles of bands.yaml; None is what genre or mood suggest.
        out: the MIDI file to write; None is the run folder.
        sound: also write a WAV file.
        song: an intent that was read already, as a program has it.
        audio: a recording that it shall sound like: tempo, swing and energy, where nothing else says them.
        metre: 4/4, 3/4 or 6/8; None is what the words ask for, else 4/4.
        ask: the questions are still to be asked, so that nothing else need be known.

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
        audio: str | Path | None = None,
        metre: str | None = None,
        ask: bool = False,
    ) -> None:
        _check_kinds(
            text=text, intent=intent, example=example, chords=chords, key=key, emotion=emotion, sections=sections,
            style=style, out=out, sound=sound, song=song, audio=audio, metre=metre, ask=ask,
        )  # fmt: skip
        said = " ".join((text or "").split())
        if len(said) > _LONGEST_TEXT:
            raise ConfigError(f"compose.text has {len(said)} characters; give at most {_LONGEST_TEXT}")
        if not (said or intent or chords or emotion or song or audio or ask):
            raise ConfigError(
                'there is nothing to compose from; type compose.text="I feel lost", compose.intent=song.yaml, '
                "compose.chords=…, compose.emotion=…, compose.audio=… or compose.ask=true"
            )
        if audio and not Path(audio).exists():
            raise ConfigError(f"compose.audio={show(audio)}: no such file; name a recording")
        self.audio = audio
        _check("bars", bars, Integral, SHORTEST, LONGEST)
        _check("tempo", tempo, Real, SLOWEST, FASTEST)
        typed = {"tempo": tempo, "key": key, "style": style, "bars": bars, "sections": sections, "chords": chords}
        plain = _intent(said, song or (read_intent(Path(intent), example) if intent else SongIntent()))
        self.ask, self.known = ask, plain
        self.wishes = read_sentence(said or plain.get("core_event"))
        metres = self.wishes.metres or read_sentence(plain.constraints.technical_genre).metres
        self._asked_metre, self._metre_words, self._other_metres = decided(metres, bool(metre))
        self._metre_by = "the text" if said and self.wishes.metres else "the intent"
        self._danced = any(
            name == "3/4" and (words in vocabulary()["dances"] or words in vocabulary()["metre_words"])
            for words, name in metres
        )
        self.metre = metre_named(metre) if metre else self._asked_metre or COMMON
        if self.wishes.tempo and self.wishes.paced:
            low, high = (round(quarters * self.metre.pace) for quarters in self.wishes.tempo)
            self.wishes = replace(self.wishes, tempo=(low, high))
        self.song, self._said_lines = taken_up(
            self.wishes, plain, typed, Limits((SLOWEST, FASTEST), (SHORTEST, LONGEST))
        )
        self._typed, self.said = {**typed, "metre": metre}, said
        if nothing_left(self.wishes):
            raise ConfigError(
                "compose.text leaves out every part; keep at least one of melody, chords, pad, bass and drums"
            )
        try:
            self.affect = _affect(emotion)
            chords = chords or self.wishes.chords
            together = chords if isinstance(chords, str) else " ".join(chords)
            own_key = key or (self.song.constraints.technical_key if self.wishes.key[0] else None)
            self.chart = read_chart(together, own_key, True) if together else None
        except ConfigError as error:
            raise ConfigError(str(error).replace("predict.", "compose.")) from None
        self.spelling = parse_spelling(key) if key else None
        self.bars, self.tempo = None if bars is None else int(bars), None if tempo is None else float(tempo)
        self.form = read_form(sections) if sections else self._said_form(self._asked_bars)
        self.style = style_named(style) if style else None
        self.out, self.sound = None if out is None else str(out), sound
        _check("bars", self.length, Integral, SHORTEST if not self.form else 1, LONGEST)

    @property
    def questions(self) -> list[str]:
        """What a person would be asked next: fields of the intent that are still open."""
        return [str(field) for field in missing(self.song)]

    @property
    def length(self) -> int:
        """Bars of the song."""
        if self.form:
            return sum(stretch.bars for stretch in self.form)
        return self._asked_bars or _USUAL_BARS

    @property
    def _asked_bars(self) -> int | None:
        return self._bars_at(self.tempo or self._pace or _USUAL_TEMPO, self.metre)

    def _bars_at(self, tempo: float, metre: SongMetre) -> int | None:
        """Bars that are asked for; where the text says a length in seconds, those that last so long."""
        seconds, known = self.wishes.seconds, self.bars or self.song.directive.output_bars
        if known or seconds is None:
            return known
        return bars_of(seconds, tempo, metre.bar, (SHORTEST, LONGEST))

    def form_of(self, brief: Brief) -> list[Stretch] | None:
        """The form that was typed, or the one that the text names, as long as is asked for at the brief's tempo and metre."""
        typed = self._typed["sections"]
        return self.form if typed else self._said_form(self._bars_at(brief.tempo, brief.metre))

    def _said_form(self, asked: int | None) -> list[Stretch] | None:
        """The form that the text names, of so many bars."""
        form = self.wishes.form
        if form is None or len(form.kinds) > MOST_SECTIONS:
            return None
        asked = asked or (LONGEST if sum(form.bars(None)) > LONGEST else None)
        count = len(form.kinds)
        lengths = form.bars(asked and min(max(asked, count), count * LONGEST_SECTION))
        return read_form(", ".join(f"{kind} {bars}" for kind, bars in zip(form.kinds, lengths, strict=True)))

    @property
    def form_by(self) -> str:
        """Who says the form; empty where nobody does."""
        return "typed" if self._typed["sections"] else "the text" if self.form else ""

    @property
    def metre_by(self) -> str:
        """What says the metre; empty where nothing does."""
        if typed := self._typed["metre"]:
            return f"compose.metre={typed} was typed"
        return f"{self._metre_by} says {self._asked_metre.name}" if self._asked_metre else ""

    @property
    def _pace(self) -> float | None:
        """The tempo that the intent or the text asks for."""
        asked = self.song.constraints.technical_tempo_range
        return (asked[0] + asked[1]) / 2 if asked else None

    def told_of(self, brief: Brief) -> list[str]:
        """What the text asks for in musical terms, a line each: taken, not used and why, or not to be had."""
        lines = [*map(str, self.taken(brief)), *self.wishes.missing]
        form = self.wishes.form
        if form and not self._typed["sections"]:
            if self.form is None:
                lines.append(f"a form of {len(form.kinds)} sections is not used: a song has {MOST_SECTIONS} at most")
            elif self._bars_at(brief.tempo, brief.metre) not in (None, brief.bars):
                lines.append(
                    f"the song has {brief.bars} bars: each of the form's {len(form.kinds)} sections has 1 to {LONGEST_SECTION}"
                )
        mode = self.wishes.key[1]
        if mode and mode not in ("major", "minor") and self.spelling is None:
            lines.append(
                f"songs are in major or minor, so {mode} is played as {'minor' if brief.key.mode < 0 else 'major'}"
            )
        lines += self._other_metres
        genre = self.song.constraints.technical_genre
        if genre and not self.style and band_of_genre(genre) is None:
            lines.append(f"no style for the intent's genre {genre}, so {brief.band.name} by the mood; {styles_told()}")
        if self.song.constraints.technical_groove_feel == _FREE:
            lines.append(f"the feel {_FREE} is played straight: a song keeps a steady tempo")
        if self.wishes.language != ENGLISH:
            lines.append(
                f"the text seems to be {self.wishes.language}, not English: only tempo, key, metre, chords and dances in Latin letters are read of it"
            )
        if not brief.metre.swings:
            lines.append(
                f"{brief.tempo:g} quarters a minute are {brief.tempo / brief.metre.strong:.0f} beats in {brief.metre.name}"
            )
            lines += [f"eighths are not swung in {brief.metre.name}"] if brief.band.swing else []
        return lines

    def taken(self, brief: Brief) -> list[Taken]:
        """What the text asks for and a song can have."""
        known = self.song.directive.output_bars
        lasts = brief.bars * brief.metre.bar * 60 / brief.tempo
        length = length_line(self.wishes, brief.bars, lasts, self._typed, known)
        lines = [*self._said_lines, *([length] if length else []), *band_lines(self.wishes)]
        asked = self._asked_metre
        if asked and (asked is not self.metre or (asked is not COMMON and not self._typed["metre"])):
            lines.append(metre_line(self._metre_words, asked.name, self._typed, self._metre_by))
        if arc := self.wishes.arc:
            known = self.song.get("narrative_arc")
            lines.append(Taken("arc", arc, self.wishes.words["arc"], f"the intent says {known}" if known else ""))
        if form := self.wishes.form:
            typed = self._typed["sections"]
            lines.append(
                Taken("form", ", ".join(form.kinds), form.words, f"compose.sections={typed} was typed" if typed else "")
            )
        return lines

    @property
    def tempo_by(self) -> str:
        """What says the tempo; empty where nothing does."""
        if self.tempo is not None:
            return f"compose.tempo={self.tempo:g} was typed"
        if self._pace is None:
            return ""
        text = any(line.what == "tempo" and not line.unused for line in self._said_lines)
        return f"the {'text' if text else 'intent'} says {self._pace:g}"

    @property
    def mood_by(self) -> str:
        """What says the mood; empty where nothing does."""
        if self.affect:
            return "compose.emotion"
        return "the intent" if self.song.get("mood_primary") else "the text" if self.unread else ""

    @property
    def told(self) -> bool:
        """Whether anything but a recording says what the song is to feel like."""
        return bool(self.mood_by)

    @property
    def unread(self) -> str:
        """What a model of texts should read: what happened, what is longed for; empty where the mood is given already."""
        if self.affect or self.song.get("mood_primary"):
            return ""
        return ". ".join(text for field in _SAID if (text := self.song.get(field)))

    def brief(self, mood: Mood | None, seed: int, arc: str = "", reference: Reference | None = None) -> Brief:
        """The song's brief.

        Args:
            mood: what the text means to a model; None is what the intent and the words of the lexicon say.
            seed: of what is left open.
            arc: that the text asks for; the intent's comes before it.
            reference: what is taken of a recording.
        """
        said = answer(self.song, "mood_primary", closest_mood(mood)) if mood and self.unread else self.song
        whole = filled(said)
        place = self.affect or (None if mood else affect(whole)) or (0.0, 0.0)
        felt = mood if mood and not self.affect else Mood(*place, words=whole.get("mood_primary"))
        if reference and not (mood or self.told):
            felt = reference.mood()
        wish = whole.constraints
        tension = self.song.get("mood_secondary_tension")
        felt = felt if tension is None else replace(felt, complexity=float(tension))
        band = self._band(felt)
        tempo = self.tempo or self._pace
        if tempo is None and reference and reference.tempo:
            tempo = round(reference.tempo, 1)
        metre = METRES[reference.metre] if reference and reference.metre and not self.metre_by else self.metre
        rule = wish.technical_rule_to_break
        brief = chosen(
            _title(self.song.title or self.song.get("core_event") or whole.get("mood_primary") or "Song"),
            felt,
            self.length,
            seed,
            self._spelling(),
            tempo,
            band,
            chords=self._chords(),
            mode=MODES[self.song.mode] if self.song.mode else 0,
            metre=metre,
            fullness=_FULLNESS.get(self.song.get("vulnerability_scale"), 1.0),
            arc=self.song.get("narrative_arc") or arc or whole.get("narrative_arc"),
            rules_broken=(rule,) if rule else (),
            without=self.wishes.without,
        )
        form = self.form_of(brief)
        bars = sum(stretch.bars for stretch in form) if form else self._bars_at(brief.tempo, metre)
        brief = replace(brief, bars=bars or brief.bars)
        band = waltzing(brief.band) if self._danced and self.metre.name == "3/4" else brief.band
        brief = replace(brief, band=with_instruments(band, self.wishes))
        return reference.applied(brief) if reference else brief

    def _band(self, mood: Mood) -> Band | None:
        """The style that was typed, or of the genre that was asked for, with the feel that was; None where none was."""
        wish = self.song.constraints
        band = self.style or band_of_genre(wish.technical_genre)
        if band is None and wish.technical_groove_feel:
            band = chosen("", mood, 1, 1).band
        return with_feel(band, wish.technical_groove_feel) if band else None

    def _spelling(self) -> Spelling | None:
        """The key that was typed, the intent's, or the chords'."""
        asked = self.song.constraints.technical_key
        if self.spelling is None and asked and self.song.key:
            return replace(parse_spelling(asked), key=replace(self.song.key, mode=self.song.key.mode or 1))
        return self.spelling or (self.chart.spelling if self.chart else None)

    def _chords(self) -> tuple[str, ...]:
        """The user's chords by bars: of several in one bar the first."""
        if self.chart is None:
            return ()
        bars: dict[int, str] = {}
        for placed in self.chart.placed:
            if placed.start is None:
                continue
            for bar in range(int(placed.start), max(int(placed.start) + 1, round(placed.start + (placed.bars or 1)))):
                bars.setdefault(bar, placed.name if placed.chord else bars.get(bar - 1, ""))
        first = next(name for name in bars.values() if name)
        return tuple(bars[bar] or first for bar in sorted(bars))


def _title(text: str) -> str:
    """A text as a title: cut between words where it is long."""
    if len(text) <= _LONGEST_TITLE:
        return text
    cut = text[: _LONGEST_TITLE - 1]
    words = cut if text[_LONGEST_TITLE - 1].isspace() else cut.rpartition(" ")[0]
    return f"{(words or cut).rstrip(' ,;:-')}…"


def _intent(said: str, song: SongIntent) -> SongIntent:
    return answer(song, "core_event", said) if said and not song.get("core_event") else song


def closest_mood(mood: Mood) -> str:
    """KmiDi's word for a mood."""
    return nearest_moods((mood.valence, mood.arousal))[0]


def _affect(emotion: str | None) -> tuple[float, float] | None:
    """Valence and arousal of a word, of numbers, or of a mood in more words. Raises ConfigError: none is known."""
    try:
        return parse_affect(emotion)
    except ConfigError:
        place = mood_affect(str(emotion))
        if place is None:
            raise
        return place


_TEXT: tuple[type, ...] = (str, NoneType)
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("text", "example", "key", "sections", "style", "metre"), (_TEXT, "a text")),
    "emotion": (_TEXT, "a text, such as joyful or -0.5,0.2"),
    "intent": ((str, Path, NoneType), "the name of a file"),
    "audio": ((str, Path, NoneType), "the name of a recording"),
    "chords": ((str, list, tuple, NoneType), "a text, or a list of texts, such as Am F C G"),
    "out": ((str, Path, NoneType), "the name of a file"),
    **dict.fromkeys(("sound", "ask"), ((bool,), "true or false")),
    "song": ((SongIntent, NoneType), "a SongIntent, as read_intent gives it"),
}
"""What each setting may be, and how that is said."""


def _check_kinds(**values: object) -> None:
    """Raises ConfigError: a value of another kind."""
    for name, value in values.items():
        kinds, told = _KINDS[name]
        texts = all(isinstance(part, str) for part in value) if isinstance(value, list | tuple) else True
        if not (isinstance(value, kinds) and texts):
            raise ConfigError(f"compose.{name}={show(value)} must be {told}")


def _check(name: str, value: object, kind: type, least: int, most: int) -> None:
    """Raises ConfigError: a number of another kind or out of range. None is none."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:  # type: ignore[operator]
        raise ConfigError(f"compose.{name}={str(value)[:40]} must be a number from {least} to {most}, or null")
