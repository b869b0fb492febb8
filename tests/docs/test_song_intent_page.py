"""docs/song_intent.md: its programs run on its file, its tables name all that the code knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kmidi_lab.midi.reading import read_piece
from kmidi_lab.song import read_intent
from kmidi_lab.song import vocabularies as words
from kmidi_lab.song.intent import FIELDS
from kmidi_lab.song.rule_breaks import REFUSED


def page(repo: Path) -> str:
    return (repo / "docs" / "song_intent.md").read_text(encoding="utf-8")


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", text, re.S)


def test_the_programs_run_from_top_to_bottom(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (file,) = blocks(page(repo), "yaml")
    Path("song.yaml").write_text(file, encoding="utf-8")
    exec("".join(blocks(page(repo), "python")), {})
    said = capsys.readouterr().out
    assert read_intent(Path("song.json")) == read_intent(Path("song.yaml"))
    assert "Longing" in said and "F major" in said
    assert "'Higj' is not allowed. Did you mean 'High'?" in said and "is 0; write a number from 20 to 400" in said
    assert "why: core_longing - What do you long to feel?" in said and "how it feels: Which mood" in said
    assert said.splitlines()[-1] == "C F G7 F"
    assert [track.name for track in read_piece(Path("small.mid")).tracks] == ["Keys"]


def test_the_tables_name_every_field_choice_and_rule(repo: Path) -> None:
    text = page(repo)
    assert all(f"`{field}`" in text for field in FIELDS)
    assert all(name in text for names in (words.STAKES, words.VULNERABILITY, words.ARCS, words.FEELS) for name in names)
    rows = dict(re.findall(r"^\| `([A-Z]+_\w+)` \| (.*) \|$", text, re.M))
    assert set(rows) == set(words.RULE_BREAKS)
    assert {rule for rule, does in rows.items() if does.startswith("refused")} == set(REFUSED)
