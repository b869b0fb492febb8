"""The command that goes on with a job, as it is printed: it means the same as what was typed, with no more quotes."""

from __future__ import annotations

import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from kmidi_lab.files import ROOTS
from kmidi_lab.go_on import line


@pytest.mark.parametrize(
    ("word", "printed"),
    [
        ("models_root='outputs/release'", "models_root=outputs/release"),
        ("paths.data_root='/data/a-b_c+d.e'", "paths.data_root=/data/a-b_c+d.e"),
        ("models_root='~/models'", None), ("models_root='my models/a'", None), ("note='null'", None), ("note='1.5'", None),
        ("paths.data_root='/data/{a},b'", None), ("seed=1,2", "seed=1,2"), ("sweep='a/b' c", None),
    ],
)  # fmt: skip
def test_a_plain_path_needs_no_quotes_and_all_else_keeps_them(
    word: str, printed: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for root in ROOTS:
        monkeypatch.delenv(root, raising=False)
    command = line([word])
    [again] = shlex.split(command)[3:]
    assert again == (printed or word) and command.endswith(printed or shlex.quote(word))
    if " c" not in word:
        before, after = (OverridesParser.create().parse_override(w) for w in (word, again))
        assert str(before.value()).strip("'") == str(after.value()).strip("'")
