"""docs/architecture.md shows every folder and top-level file of the package, and no others; and who names models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kmidi_lab.contracts import CONTRACTS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "kmidi_lab"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def shown(page: str) -> list[str]:
    """Names in the left column of the picture below `src/kmidi_lab/`; folders end with a slash."""
    picture = page.partition("src/kmidi_lab/\n")[2].partition("\ndatamodules/\n")[0]
    columns = [re.split(r" {2,}", line.strip(), maxsplit=1)[0] for line in picture.splitlines()]
    return [name.replace("/<m>", "") for column in columns for name in column.split()]


def there() -> set[str]:
    folders = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    return folders | {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}


def test_every_folder_and_file_stands_on_the_page() -> None:
    missing, gone = there() - set(shown(PAGE)), set(shown(PAGE)) - there()
    assert not missing, f"docs/architecture.md lacks {sorted(missing)}: add each to the line of its kind"
    assert not gone, f"docs/architecture.md has {sorted(gone)}, which src/kmidi_lab lacks: remove them"
    assert len(shown(PAGE)) == len(there()), "something stands there twice"


def test_a_picture_without_a_file_is_noticed() -> None:
    picture = (
        "src/kmidi_lab/\n   cli files     words\n   models/<m>/     module  network\n   nn/\ndatamodules/\n   x  y\n"
    )
    assert shown(picture) == ["cli", "files", "models/", "nn/"]


def test_the_page_names_the_models_that_make_a_song() -> None:
    """What `Players.ask` is called with: the first argument, or the constant of its file."""
    asked: set[str] = set()
    for path in (PACKAGE / "composition").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        constants = dict(re.findall(r'^(_[A-Z]+) = "(\w+)"$', source, re.MULTILINE))
        for name in re.findall(r"players\.ask\(([\w\"]+)", source):
            asked.add(constants.get(name, name.strip('"')))
    assert asked <= set(CONTRACTS) and asked
    sentence = re.search(r"asks each of them by its name\s+\(([\w\s,]+)\)", PAGE)
    assert sentence and asked == set(re.split(r",\s+", sentence.group(1)))


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_the_exception_is_named(page: str) -> None:
    text = re.sub(r"\s+", " ", (ROOT / page).read_text(encoding="utf-8"))
    assert "No other code names it, with one exception: `composition/` makes a song with eight models" in text
