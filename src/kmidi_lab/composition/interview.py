"""The questions of a song intent in a terminal: one may answer, leave a question to the lab, go back, and stop at any time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kmidi_lab.errors import UserError, first_line
from kmidi_lab.song import Question, SongIntent, answer, next_question

_STOP, _BACK, _MORE = ".", "<", "+"
_ENOUGH = (_STOP, "stop", "done", "quit", "exit", "q")
"""What stops the questions: nobody means these words as an answer."""
_HOW = (
    f"Answer by a number or in your own words. Enter leaves a question to the lab, {_BACK} goes back, {_STOP} stops asking "
    f"and composes, {_MORE} asks more."
)


def interview(song: SongIntent, say: Callable[[str], object], read: Callable[[], str]) -> SongIntent:
    """The song intent with what a person answers.

    Args:
        song: what is known.
        say: shows a line.
        read: waits for a line; raises EOFError where no more will come, which stops the questions.
    """
    say(_HOW)
    known, thorough = [song], False
    while (question := next_question(known[-1], thorough)) is not None or not thorough:
        for line in _lines(question):
            say(line)
        try:
            said = read().strip()
        except EOFError:
            break
        if said.lower() in _ENOUGH or (question is None and said != _BACK and said != _MORE):
            break
        if said == _BACK:
            known = known[:-1] or known
        elif said == _MORE:
            thorough = True
        elif question is not None:
            try:
                known.append(answer(known[-1], question.field, _meant(said, question)))
            except UserError as error:
                say(first_line(error))
    return known[-1]


def _lines(question: Question | None) -> Iterator[str]:
    """A question as it is shown; None is that enough is known."""
    if question is None:
        yield f"Enough is known. Enter composes, {_MORE} asks more, {_BACK} goes back."
        return
    yield f"\n{question.phase}: {question.text} (changes: {question.changes})"
    for number, (value, meaning) in enumerate(question.choices, 1):
        fits = " (fits best)" if value == question.suggestion else ""
        place = f"{number:>2}  " if _numbered(question) else ""
        yield f"  {place}{_shown(value)}{f': {meaning}' if meaning else ''}{fits}"
    if not question.choices and question.suggestion is not None:
        yield f"  such as {_shown(question.suggestion)}"


def _meant(said: str, question: Question) -> object:
    """The choice of a number, one's own words, or None for the lab's."""
    if _numbered(question) and said.isdecimal() and 1 <= int(said) <= len(question.choices):
        return question.choices[int(said) - 1].value
    return said or None


def _numbered(question: Question) -> bool:
    """Whether a number is the place of a choice: not where the choices are numbers themselves."""
    return not any(isinstance(value, int | float) for value, _ in question.choices)


def _shown(value: object) -> str:
    return " to ".join(f"{part:g}" for part in value) if isinstance(value, tuple) else str(value)
