"""What the lab says at the command line, as the page says it: its own fields and buttons in the place of settings."""

from __future__ import annotations

import re

from kmidi_lab.errors import on_a_page

_FIELDS = {
    "text": "the sentence", "emotion": "the mood by hand", "audio": "the recording", "intent": "the questions", "ask": "the questions",
    "chords": "own chords", "sections": "sections", "bars": "bars", "tempo": "tempo", "key": "key", "style": "style", "metre": "metre",
}  # fmt: skip
"""What the page calls each setting of a song."""
_SAID = (
    (re.compile(r"\bset (?:it|a mood) by compose\.emotion\b"), "choose the mood by hand if you like"),
    (re.compile(r"\btype chords with compose\.chords\b"), "type them under own chords"),
    (re.compile(r"\bor type compose\.sections\b"), "or write them under sections"),
    (re.compile(r'\bcompose\.sections="([^"]*)"'), r"the sections \1"),
)
_SETTING = re.compile(rf"\bcompose\.({'|'.join(_FIELDS)})(?P<value>=)?")
NOTHING = (
    "there is nothing to compose from yet: write a sentence, answer a question, choose a recording, type own chords, or "
    "choose the mood by hand"
)


def page_line(line: str) -> str:
    """A line of the lab for the page."""
    for said, instead in _SAID:
        line = said.sub(instead, line)
    return on_a_page(_SETTING.sub(lambda m: _FIELDS[m[1]] + (" " if m["value"] else ""), line))
