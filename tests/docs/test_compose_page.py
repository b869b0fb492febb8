"""What docs/compose.md says that a sentence can say is heard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kmidi_lab.composition.sentence import read_sentence

_PAGE = (Path(__file__).parents[2] / "docs" / "compose.md").read_text(encoding="utf-8")
_TABLE = _PAGE.split("## What a sentence can say")[1].split("\n\n")[2]
_PHRASES = [phrase for row in _TABLE.splitlines()[2:] for phrase in re.findall(r"`([^`]+)`", row.split(" | ")[1])]


@pytest.mark.parametrize("phrase", _PHRASES)
def test_each_wish_of_the_table_is_heard(phrase: str) -> None:
    heard = read_sentence(f"a song, {phrase}")
    assert heard != read_sentence("a song") and not heard.missing
