"""Which experiments train a released model again: their files, `--help` and the README say the same as the release."""

from __future__ import annotations

import json
import re
from pathlib import Path

from kmidi_lab.help_text import help_text

ROOT = Path(__file__).parents[2]
RELEASED = set(
    re.findall(
        r"experiment=(\w+)",
        " ".join(
            json.loads(path.read_text(encoding="utf-8"))["identity"]["command"]
            for path in sorted((ROOT / "docs" / "results").glob("*.json"))
        ),
    )
) | {"harmony_mit", "melody_mit"}
"""By the commands of the released runs; the last two are outputs/release_mit."""
ALL = {path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml")}


def test_help_says_of_released_experiments_only_that_they_are() -> None:
    assert len(RELEASED) == 13 and RELEASED < ALL
    said, others = re.findall(r"^experiment=([\w|]+)   (.*)$", help_text(), re.MULTILINE)
    assert said[1] == "trains a released model again" and set(said[0].split("|")) == RELEASED
    assert "not released" in others[1] and set(others[0].split("|")) == ALL - RELEASED


def test_the_readme_names_every_released_experiment() -> None:
    [item] = re.findall(
        r"^- \*\*Reproduce the release\.\*\*.*?(?=^- )", (ROOT / "README.md").read_text("utf-8"), re.M | re.S
    )
    assert {name for name in ALL if re.search(rf"[`=]{name}[` ]", item)} == RELEASED
