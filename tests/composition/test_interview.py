"""The questions in a terminal: answered, left open, taken back, and stopped at any time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmidi_lab.composition.interview import interview
from kmidi_lab.song import SongIntent


def asked(*lines: str, song: SongIntent | None = None) -> tuple[SongIntent, list[str]]:
    said: list[str] = []
    replies: Iterator[str] = iter(lines)

    def read() -> str:
        try:
            return next(replies)
        except StopIteration:
            raise EOFError from None

    return interview(song or SongIntent(), said.append, read), said


def test_numbers_and_own_words_are_answers_and_enter_leaves_it_to_the_lab() -> None:
    song, said = asked("She left", "peace", "2", "1", "", "3", "", ".")
    assert (song.get("core_event"), song.get("core_longing")) == ("She left", "peace")
    moods = said[said.index(next(line for line in said if "Which mood" in line)) + 1 :]
    assert song.get("mood_primary") == moods[1].split()[1].removesuffix(":")
    assert song.get("mood_secondary_tension") == 1.0, "a number that is no place in a list"
    assert "narrative_arc" in song.declined and song.get("narrative_arc") == ""
    assert song.get("vulnerability_scale") in ("Low", "Medium", "High")
    assert not song.get("technical_rule_to_break")
    assert said[-1].startswith("Enough is known.")


def test_one_may_go_back_and_a_wrong_answer_is_asked_again() -> None:
    song, said = asked("She left", "peace", "<", "to forget", "xyzzy", "<", "<", "<", "<", "He left")
    assert song == asked("He left")[0] and song.get("core_event") == "He left"
    assert any("says nothing that is known" in line for line in said)


@pytest.mark.parametrize("count", range(8))
def test_one_may_stop_at_any_question(count: int) -> None:
    lines = ["She left", "peace", "1", "0.5", "1", "1", ""][:count]
    stopped, ended = asked(*lines, "."), asked(*lines)
    assert stopped[0] == ended[0]


@pytest.mark.parametrize("word", ["stop", "Stop", "q", "quit", "exit", "done"])
def test_words_that_stop_are_no_answers(word: str) -> None:
    assert asked("She left", word, "never read")[0] == asked("She left")[0]


def test_more_questions_reach_every_field_and_every_choice() -> None:
    """Each choice that is shown can be picked by its number, and is taken."""
    reached: set[str] = set()
    for place in range(1, 19):
        song, said = asked("She left", "to be calm", "+", *[str(place), ""] * 30)
        reached |= {line.split(": ")[1].split(" (")[0] for line in said if "(changes:" in line}
        moods = said[said.index(next(line for line in said if "Which mood" in line)) + 1 :]
        assert moods[place - 1].split("  ")[-1].startswith(str(song.get("mood_primary"))), place
    assert {"Which key, such as D or F#m?", "How does the rhythm move?", "What is at stake?"} <= reached
    everything = asked("She left", "to be calm", "+", *[""] * 30)[0]
    assert len(everything.declined) >= 12


@pytest.mark.slow
def test_the_command_asks_and_composes(lab: list[str], lab_env: dict[str, str], tmp_path: Path) -> None:
    def run(lines: str) -> subprocess.CompletedProcess[str]:
        command = [*lab, "task=compose", "compose.ask=true", "compose.sound=false", "compose.bars=4"]
        return subprocess.run(
            command, input=lines, capture_output=True, text=True, cwd=tmp_path, env=lab_env, timeout=300
        )

    done = run("She left\npeace\n.\n")
    assert done.returncode == 0 and "What do you long to feel?" in done.stdout and "She left: " in done.stdout
    nothing = run("")
    assert nothing.returncode == 2 and "there is nothing to compose from" in nothing.stderr
    assert len(list((tmp_path / "outputs").rglob("song.mid"))) == 1
