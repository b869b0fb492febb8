"""Commands that a task prints: no more quotes than a shell and Hydra need."""

from __future__ import annotations

import shlex
from types import SimpleNamespace

import pytest

from kmidi_lab import go_on
from kmidi_lab.overrides import unquoted
from kmidi_lab.tasks import again


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Hydra was given, as the lab hands texts on."""
    words: list[str] = []
    hydra = SimpleNamespace(
        initialized=lambda: True, get=lambda: SimpleNamespace(overrides=SimpleNamespace(task=words))
    )
    monkeypatch.setattr(again, "HydraConfig", hydra)
    return words


def test_quotes_that_say_a_text_is_one_stay() -> None:
    for typed, plain in (
        ("a='t/x.yaml'", "a=t/x.yaml"),
        ("a='1.5'", "a='1.5'"),
        ("a='null'", "a='null'"),
        ("a='b c'", "a='b c'"),
    ):
        assert unquoted(typed) == plain
    assert go_on.line(["task=serve", "models_root='out/release'"]).endswith("task=serve models_root=out/release")


def test_a_plain_path_is_printed_as_it_was_typed(typed: list[str]) -> None:
    typed += ["task=queue", "data.root='t/lyrics'", "models_root=mine"]
    assert again.command("task=label") == "task=label data.root=t/lyrics models_root=mine"


def test_an_odd_path_comes_back_as_it_was(typed: list[str]) -> None:
    typed += ["data.root='a b/it\\'s'"]
    assert shlex.split(again.command("task=label")) == ["task=label", typed[0]]
