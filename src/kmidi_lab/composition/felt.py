"""What of a text tells its mood: not the words that say how a song begins, ends and goes on."""

from __future__ import annotations

import re

from kmidi_lab.chords.asking import lexicon
from kmidi_lab.composition.course_patterns import pattern_of
from kmidi_lab.composition.languages import ENGLISH
from kmidi_lab.composition.misspelt import spelt
from kmidi_lab.composition.said_feelings import OPPOSITES, said_feelings, signed_mood
from kmidi_lab.composition.said_numbers import without_bars
from kmidi_lab.composition.wishes import Wishes
from kmidi_lab.song.vocabularies import mood_affect

_WORD = re.compile(r"[A-Za-z]{4,}")
_NEITHER = (
    r"(?:neither|not) (?:too )?{very}{mood}(?:,? (?:(?:and|but) )?(?:nor|or|not) (?:too )?{very}{mood})+(?: either)?"
)
"""Moods that are denied together."""
_UNWANTED = (
    r"(?:(?:(?:i|we) )?(?:don't|dont|do not) (?:want|like|need) (?:(?:anything|something|it|this|an?|another|any|more|too|to be) )*"
    r"|(?:please )?(?:nothing|not another|no more|no) (?:too )?){very}{mood}(?: (?:[\w'-]+ )?(?:song|music|tune|piece|ballad|stuff|track)s?\b)?"
    r"|but not (?:too |so |very )?[\w-]+(?= *(?:$|[,.;!?]))"
)
"""A mood that a song is not to have, or what it is not to be beside its own, as in `happy but not childish`."""
_REFUSED = (
    r"(?:anything but|everything but|not(?= too )|not another|no more|nothing(?= too )|no(?= {mood} (?:songs?|music|tunes?|pieces?|ballads?|stuff)\b)|(?:don't|dont|do not) make it|(?:should|must) not be|shouldn't be|mustn't be) "
    r"(?P<too>too )?(?:an? )?{very}(?P<mood>{mood})(?: (?:[\w'-]+ )?(?:song|music|tune|piece|ballad|stuff|track)s?\b)?"
)
"""A mood that a song is not to have, so that it is to have another."""
_NO_PLAYERS = (
    r"(?:(?:(?:i|we) )?(?:don't|dont|do not) (?:want|like|need|use) (?:any )?|(?:i|we) hate |no )(?:the )?(?:{player}|anything {level})"
    r"(?:,? (?:and|or|nor) (?:{player}))*"
)
"""Players who are not to play, and a loudness that is not wanted, which say no feeling."""
_WANTED = (
    r"(?:(?:something|make it|should (?:be|sound)|(?:an?|some)(?= (?:[\w'-]+,? (?:and )?){1,3}(?:song|tune|music|piece|track|ballad|beat|theme)s?\b)) "
    r"{very}(?P<mood>{mood})"
    r"|(?<=but )(?:(?:it|the (?:song|music)) (?:should|must) (?:be|sound|feel) |(?:please )?(?:keep|make) it )?{very}(?P<still>{mood})(?= *(?:$|[.;!])))"
)
"""A mood that is asked for in so many words, also against what a song is about: `for my grandmother who died, but cheerful`."""
_ABOUT = re.compile(r"\b(?:for|about|died|lost|dead|late)\b", re.I)
"""What tells whom or what a song is for or about."""
_TAG = re.compile(r"\[[^\]]{0,40}\]")
"""A heading of lyrics, such as `[Verse 1]`."""
_NO_FEELING = "a song"
"""A text that names no feeling, for one that says no more than which ones it has not."""


def felt_text(said: str, wishes: Wishes) -> str:
    """A text as a model of feelings should read it; where all its moods are of a change, with the first of them alone."""
    left = said if wishes.language != ENGLISH else _WORD.sub(lambda word: _spelt(word[0]), said)
    for words in sorted(wishes.unfelt, key=len, reverse=True):
        left = re.sub(rf"(?<!\w){re.escape(words)}(?!\w)", " ", left, flags=re.I).strip(" ,")
    left = _TAG.sub(" ", left) if wishes.form and len(_TAG.findall(left)) > 1 else left
    if wishes.mood and not _names_mood(left, wishes.language):
        left = f"{left} {wishes.mood}"
    left = left if re.search(r"\w", left) else said
    left = pattern_of(_NO_PLAYERS, ENGLISH).sub(" ", left)
    left = pattern_of(_NEITHER, ENGLISH).sub(_neither, left)
    wanted = pattern_of(f"{_REFUSED}|{_UNWANTED}", ENGLISH).sub(" ", left).strip(" ,.;!?")
    left = wanted if mood_affect(wanted) is not None else pattern_of(_REFUSED, ENGLISH).sub(_other, left)
    left = " ".join(left.split()).lstrip(" ,")
    return without_bars(left if re.search(r"\w", left) or signed_mood(left)[0] else _NO_FEELING)


def _names_mood(text: str, language: str) -> bool:
    """Whether a text names a feeling, in its own language."""
    return mood_affect(text) is not None if language == ENGLISH else said_feelings(text, language) is not None


def _spelt(word: str) -> str:
    """A word for a feeling that is misspelt, such as `hapy`, as it is meant; any other as it is."""
    meant = spelt(word)
    return meant if meant in lexicon() else word


def wanted_mood(text: str) -> tuple[float, float] | None:
    """Valence and arousal, -1..1, of the mood that a text asks for first, as in `an angry song about a wedding`; None without one."""
    match = pattern_of(_WANTED, ENGLISH).search(text)
    if match is None or (match["still"] and not _ABOUT.search(text, 0, match.start())):
        return None
    return mood_affect(match["mood"] or match["still"])


def _other(match: re.Match[str]) -> str:
    """A mood in the place of one that is refused: `hopeful` of `anything but sad`; none where only too much of it is."""
    return " " if match["too"] else OPPOSITES[lexicon()[match["mood"].lower()][0] > 0]


def _neither(match: re.Match[str]) -> str:
    """Nothing in the place of moods that are denied and opposed, such as `neither sad nor happy`, of which none is meant."""
    moods = (found[0].lower() for found in pattern_of("{mood}", ENGLISH).finditer(match[0]))
    pleasant = {lexicon()[mood][0] > 0 for mood in moods}
    return " " if len(pleasant) > 1 else match[0]
