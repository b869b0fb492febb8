"""Sentences made by rule from words of feeling: a stand-in where there are no real ones, and a small part of training.

Each sentence is a frame and one of the words of `feelings.yaml`, which says its sub-emotion, or of the feel lexicon,
which says where it lies in valence and arousal and no more. A negation turns what is felt: not happy is sad, and what
is not sad, angry, afraid, surprised or disgusted is neutral, its valence and arousal turned and halved.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from datamodules.shared.library import Reading
from kmidi_lab.chords.asking import lexicon
from kmidi_lab.models.intent.features import Sentence
from kmidi_lab.own_yaml import own_yaml

NAME, LICENCE = "rules", "MIT"
PATH = Path(__file__).with_name("feelings.yaml")
_FRAMES = (
    "{}", "I feel {}", "I'm feeling {} today", "I am so {}", "we were {} when it happened", "something {} for a slow song",
    "a song for when you are {}", "this makes me {}", "make it sound {}",
)  # fmt: skip
_NEGATED = (
    "I'm not {}", "not {} at all", "I don't feel {} anymore", "I have never been less {}", "I can't say that I am {}",
    "nobody here is {}",
)  # fmt: skip
_TURNED = -0.5
_DOMINANCE = 0.4
"""Of valence: as far as the two go together in EmoBank."""
_KINDS = 3
"""Sentences of a word with a negation, and without one."""


def read() -> Reading[Sentence]:
    """All of them, in a fixed order."""
    reading: Reading[Sentence] = Reading(NAME, LICENCE, note="made by rule from words of feeling; nobody wrote them")
    reading.items = list(_sentences())
    return reading


def _sentences() -> Iterator[Sentence]:
    for base, subs in own_yaml(PATH).items():
        for sub, about in subs.items():
            place, turned = about["place"], [_TURNED * v for v in about["place"]]
            for at, word in enumerate(about["words"]):
                stem = f"{NAME}/{base.lower()}/{sub}/{at}"
                felt = "sad" if base == "HAPPY" else "neutral"
                for kind in range(_KINDS):
                    frame, negated = _FRAMES[(at + 3 * kind) % len(_FRAMES)], _NEGATED[(at + 2 * kind) % len(_NEGATED)]
                    own = (f"{base.lower()}/{sub}",)
                    yield _made(f"{stem}/{kind}", frame.format(word), base.lower(), own, place)
                    yield _made(f"{stem}/not{kind}", negated.format(word), felt, (), turned)

    for at, (word, (valence, arousal)) in enumerate(lexicon().items()):
        place = [valence, arousal, _DOMINANCE * valence]
        for kind in range(_KINDS):
            frame, negated = _FRAMES[(at + 3 * kind) % len(_FRAMES)], _NEGATED[(at + 2 * kind) % len(_NEGATED)]
            yield Sentence(f"{NAME}/lexicon/{at}/{kind}", NAME, "", frame.format(word), affect=tuple(place))
            yield Sentence(
                f"{NAME}/lexicon/{at}/not{kind}",
                NAME,
                "",
                negated.format(word),
                affect=tuple(_TURNED * v for v in place),
            )


def _made(name: str, text: str, label: str, subs: tuple[str, ...], affect: list[float]) -> Sentence:
    return Sentence(name, NAME, "", text, labels=(label,), subs=subs, affect=tuple(affect))


def contents() -> list[bytes]:
    """What the sentences depend on."""
    return [PATH.read_bytes(), repr(sorted(lexicon().items())).encode()]
