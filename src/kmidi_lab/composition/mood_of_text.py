"""The mood that a text tells, as a model reads it and as words of it say, and the brief of a song in it."""

from __future__ import annotations

import math
from dataclasses import replace

from kmidi_lab.composition import summaries
from kmidi_lab.composition.brief import Brief, Mood
from kmidi_lab.composition.briefing import brief_of, left_open
from kmidi_lab.composition.felt import wanted_mood
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.reference import AS_HEARD, Reference
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.said_feelings import said_feelings, signed_mood
from kmidi_lab.composition.said_mood import pictured_mood
from kmidi_lab.emotion_embedding import ANCHORS
from kmidi_lab.song.vocabularies import mood_affect

_TELLING = ("happy", "sad", "angry", "fear", "disgust", "calm")
"""Labels that say what a song is to feel like."""
_FAINT = 0.2
"""Distance from the neutral middle below which readings alone say no feeling."""


def briefed(request: SongRequest, players: Players, seed: int, reference: Reference | None) -> tuple[Brief, list[str]]:
    """The brief, with the mood that a model reads in the text; where it is unsure, what words of the lexicon say."""
    if not request.unread:
        return brief_of(request, None, seed, request.wishes.arc, reference), []
    if request.wishes.language != ENGLISH:
        if said_in := said_feelings(request.unread, request.wishes.language):
            felt = Mood(said_in.valence, said_in.arousal, words=" and ".join(said_in.words))
            return brief_of(request, felt, seed, request.wishes.arc, reference), [said_in.line]
        unsure = "the text's mood is not sure (not English); set it by compose.emotion"
        return brief_of(request, Mood(0.0, 0.0), seed, request.wishes.arc, reference), [unsure]
    read = players.ask("intent", text=request.unread)
    players.note("intent", summaries.of_reading(read))
    # Sections that are named say how a song goes on, and what was told of a course is no arc of the whole.
    told = read.arc_said and not (request.wishes.form or request.wishes.course or request.wishes.courses)
    arc = request.wishes.arc or (read.arc if told else "")
    mood = Mood(0.0, 0.0) if read.unsure else felt_in(read.valence, read.arousal, read.label, request.unread)
    plain = mood.plain and mood_affect(request.unread) is None and not request.wishes.courses
    word, said = pictured_mood(request.unread, read.valence) if plain else ("", "")
    word, said = signed_mood(request.unread) if plain and not word else (word, said)
    if (place := mood_affect(word)) is not None:
        felt = Mood(*place, words=word)
        return brief_of(request, felt, seed, arc, reference), [f"mood {word} from the text ({said})"]
    if read.unsure:
        place = mood_affect(request.unread)  # of words that may be misspelt in the text itself
        brief = brief_of(request, Mood(*place) if place else None, seed, arc, reference)
        if request.wishes.asks and brief.mood.plain:
            said = f"no feeling that is known{_by_seed(request, brief)}"
            return brief, [f"the text names {said}; set a mood by compose.emotion"]
        return brief, [f"the text's mood is not sure ({read.why}); set it by compose.emotion"]
    if mood.plain:
        brief = brief_of(request, mood, seed, arc, reference)
        so = _by_seed(request, brief) if brief.mood.words != AS_HEARD else f", so the song is {AS_HEARD}"
        return brief, [f"the text names no feeling{so}; set a mood by compose.emotion"]
    mood = replace(mood, dominance=read.dominance, complexity=read.complexity)
    return brief_of(request, mood, seed, arc, reference), []


def _by_seed(request: SongRequest, brief: Brief) -> str:
    """What the seed chooses of a song without a feeling, as it is told; empty where all is asked for."""
    chosen = left_open(request, brief.mood)
    return f", so the seed chooses {'the ' if len(chosen) == 1 else ''}{' and '.join(chosen)}" if chosen else ""


def felt_in(valence: float, arousal: float, label: str, text: str) -> Mood:
    """The mean of what the readings, the label and the words of the lexicon say.

    Readings alone stay near the middle, as people's ratings of sentences do. `neutral` and `surprise` say nothing of a mood;
    a text that is neutral, near the middle and without such words says none.
    """
    places = [(valence, arousal)]
    if label in _TELLING:
        places.append(ANCHORS[label])
    if (wanted := wanted_mood(text)) is not None and label in _TELLING and wanted[0] * ANCHORS[label][0] < 0:
        return Mood(*wanted, words="asked for")  # the label is of what the song is about
    if (known := mood_affect(text)) is not None:
        places.append(known)
    if label == "neutral" and known is None and math.hypot(valence, arousal) < _FAINT:
        return Mood(0.0, 0.0, words=label)
    means = [sum(axis) / len(places) for axis in zip(*places, strict=True)]
    return Mood(means[0], means[1], words=label)
