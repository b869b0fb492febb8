"""task=predict for intent: what a text says of a feeling, from the published model or the word list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson

from kmidi_lab.errors import ConfigError, one_line
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.questions import TEXTS, Guess, Question, digest, lines
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.ways import Way
from kmidi_lab.models.intent.features import LABELS
from kmidi_lab.models.intent.reading import WORD_LIST, Feeling, from_model, from_words, label_logits

_SHOWN = 3
_APART = "(each by itself: together they may be more than 100%)"


class FeelingOf(Request[Feeling]):
    """Asks what a text says of a feeling.

    Args:
        text: a sentence or more, in English; its first 2,000 words and marks count.

    Raises:
        ConfigError: there is no text.
    """

    without_model = "a list of feeling words"
    ways = (Way("text", "the feeling in a sentence", "I'm feeling lost and searching"),)
    asks_about = TEXTS
    asks_by = "information"

    def __init__(self, text: str | None = None) -> None:
        # What a shell or a file hands over may hold halves of characters.
        self.text = str(text if text is not None else "").encode("utf-8", "replace").decode("utf-8")
        if not self.text.strip():
            raise ConfigError('predict.text is empty; give a sentence, such as predict.text="I\'m feeling lost"')

    def run(self, published: Published | None, session: Session) -> Feeling:
        if published is None:
            return from_words(self.text)
        table = published.table
        assert table is not None, "the contract reads texts, so that a table was read with it"
        vector = table.vector(self.text)
        return from_model(self.text, table.known(self.text), published.call(vector[None])[0], published.head)

    @classmethod
    def labels(cls, published: Published) -> list[str]:
        return list(LABELS)

    @classmethod
    def questions(cls, path: Path, published: Published) -> Iterator[Question]:
        """Each line of the text."""
        assert published.table is not None
        for number, text in lines(path):
            yield Question(digest(text), str(number), text, vector=published.table.vector(text))

    @classmethod
    def asked(cls, question: Question, published: Published) -> Guess:
        """Each label's own probability, made to add up to 1."""
        assert question.vector is not None
        output = published.call(question.vector[None])[0]
        own = 1 / (1 + np.exp(-label_logits(output, published.head)))
        return Guess(output, own / own.sum(), list(LABELS))

    @classmethod
    def rows(cls, answer: Feeling) -> list[tuple[str, str]]:
        said = [("arc", f"{answer.arc}, said in words")] if answer.arc_said else []
        if answer.unsure:
            return [("unsure", answer.why), *said]
        return [
            ("feeling", _labels(answer)),
            ("sad to happy", f"{answer.valence:+.2f} of -1 to 1"),
            ("calm to excited", f"{answer.arousal:+.2f} of -1 to 1"),
            ("weak to strong", f"{answer.dominance:+.2f} of -1 to 1"),
            ("nearest mood", _shares(answer.moods)),
            *(said or [("arc", f"{answer.arc}, by rule")]),
            ("feel of the rhythm", f"{answer.feel}, by rule"),
            ("vulnerability", f"{_first(answer.vulnerability)}, by rule"),
        ]

    def show(self, answer: Feeling, session: Session) -> None:
        session.say(f"{one_line(answer.text)!r}, by the {answer.source}:")
        if answer.unsure:
            session.say(f"  unsure: {answer.why}")
        else:
            session.say(
                f"  {answer.label}: valence {answer.valence:+.2f}, arousal {answer.arousal:+.2f}, dominance "
                f"{answer.dominance:+.2f}, complexity {answer.complexity:.2f}"
            )
            session.say(f"  labels: {_labels(answer)}")
            if answer.source != WORD_LIST:
                session.say(f"  sub-emotions: {_shares(answer.sub_emotions)} {_APART}")
            session.say(f"  by rule: mood {_shares(answer.moods)}")
            session.say(f"  by rule: feel {answer.feel}; vulnerability {_first(answer.vulnerability)}")
            session.say(f"  by rule: break {', '.join(answer.rule_breaks[:_SHOWN])}")
        if answer.arc_said or not answer.unsure:
            session.say(f"  arc: {answer.arc} ({'said in words' if answer.arc_said else 'by rule'})")
        write_atomic(session.folder / "feeling.json", orjson.dumps(answer.plain(), option=orjson.OPT_INDENT_2))


def _first(p: dict[str, float]) -> str:
    return max(p, key=p.__getitem__)


def _labels(answer: Feeling) -> str:
    """The likeliest labels: a model says each by itself, the word list shares them out."""
    shares = _shares(answer.probabilities)
    return shares if answer.source == WORD_LIST else f"{shares} {_APART}"


def _shares(p: dict[str, float]) -> str:
    best = sorted(p, key=p.__getitem__, reverse=True)[:_SHOWN]
    return ", ".join(f"{name} {p[name]:.0%}" for name in best)
