"""docs/add_a_model.md and docs/add_a_data_set.md: their files make a model outside the lab that goes the whole way."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kmidi_lab.conf_dir import look_also_in
from kmidi_lab.contracts import CONTRACTS, HARMONY, register
from kmidi_lab.errors import ConfigError

Cli = Callable[..., subprocess.CompletedProcess[str]]
_PAGES = ("add_a_model.md", "add_a_data_set.md")
_FILE = re.compile(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```$", re.M | re.S)
_PROGRAM = re.compile(r"^```python\n(.*?)\n```$", re.M | re.S)
_COMMAND = re.compile(r"^```bash\n(.*?)\n```$", re.M | re.S)


def page(repo: Path, name: str) -> str:
    return (repo / "docs" / name).read_text(encoding="utf-8")


@pytest.fixture
def files(repo: Path, tmp_path: Path) -> None:
    """Writes the pages' files into the test's folder."""
    for path, content in (file for name in _PAGES for file in _FILE.findall(page(repo, name))):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")


@pytest.fixture
def run(files: None, cli: Cli) -> Callable[..., str]:
    """Runs a command line of the pages beside their files; returns all that it prints."""

    def run(line: str, code: int = 0) -> str:
        words = shlex.split(line.replace("\\\n", " "))
        assert words[:3] == ["python", "-m", "kmidi_lab"], line
        done = cli(*words[3:], timeout=120)
        assert done.returncode == code, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.mark.slow
def test_the_model_of_the_page_goes_the_whole_way(repo: Path, run: Callable[..., str], tmp_path: Path) -> None:
    commands = dict(
        zip(
            ("help", "train", "eval", "export", "verify", "predict"),
            _COMMAND.findall(page(repo, _PAGES[0])),
            strict=True,
        )
    )
    listed = run(commands["help"])
    assert "ToyRhythm: the last rhythm classes to the next one." in listed
    assert "data that model=toy takes" in listed and re.search(r"found +toy +toy/tunes.txt", listed)

    assert "beats its best baseline (majority" in run(commands["train"])
    (folder,) = (tmp_path / "outputs" / "runs" / "toy").iterdir()
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["identity"]["id"] == "toyrhythm" and record["export"]["status"] == "trained"

    scored = run(commands["eval"])
    assert "toyrhythm in outputs/models on all of data" in scored and "majority" in scored
    assert "NOT COMPARABLE" not in scored

    swept = commands["eval"].replace("kmidi_lab ", "kmidi_lab -m ", 1) + " launcher=joblib seed=1"
    run(swept)  # a worker is a new process, which has to learn of the contract, too

    assert "toyrhythm: trained in release" in run(commands["export"].replace("RUN", str(folder)))
    assert "1 model, 0 faults" in run(commands["verify"])
    likeliest = [line for line in run(commands["predict"]).splitlines() if line.endswith("%")]
    assert {line.split()[0] for line in likeliest} == {"t", "q"}

    (program,) = _PROGRAM.findall(page(repo, _PAGES[0]).partition("## Ask it from Python")[2])
    program = f"{program}\nimport sys\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, " ".join(likeliest).split()), done.stderr


@pytest.mark.slow
def test_the_data_set_of_the_page_is_prepared(repo: Path, run: Callable[..., str]) -> None:
    (command,) = _COMMAND.findall(page(repo, _PAGES[1]))
    assert "toy" in run(command)


@pytest.fixture
def refused(files: None, called: Cli) -> Iterator[Callable[[str], str]]:
    """The line that a command is refused with, in the test's own process."""

    def refused(words: str) -> str:
        done = called(*words.split())
        assert done.returncode == 2 and not done.stdout
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
        return done.stderr

    yield refused
    look_also_in(None)


def test_code_that_is_not_trusted_is_not_imported(refused: Callable[[str], str]) -> None:
    assert "type trusted=[toy_lab]" in refused("--config-dir toy_lab/conf model=toy")
    assert "toy_lab" not in sys.modules


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--config-dir toy_lab/cnf model=toy", "--config-dir toy_lab/cnf: not a folder"),
        ("--config-dir toy_lab/conf model=toi", "Did you mean 'toy'"),
        ("--config-dir toy_lab/conf trusted=[toy_lab] model=toy data=maestro", "Type data=toy"),
        (
            "--config-dir toy_lab/conf trusted=[toy_lab] model=toy model.module.hiden=3",
            "Did you mean 'model.module.hidden'",
        ),
        ("--config-dir toy_lab/conf trusted=[toy_lab] model=toy task=predict predict.top=many", "must be of type int"),
        ("--config-dir toy_lab/conf trusted=[toy_lab] model=toy model.name=harmoni", "model.name belongs to the model"),
    ],
)
def test_a_mistake_is_one_line(refused: Callable[[str], str], words: str, said: str) -> None:
    assert said in refused(words)


@pytest.mark.parametrize("other", [{"model": "toy"}, {"id": "toyrhythm"}, {"task": "custom"}])
def test_a_contract_takes_no_name_or_id_of_another(other: dict[str, str]) -> None:
    before = dict(CONTRACTS)
    with pytest.raises(ConfigError, match="give it others"):
        register(replace(HARMONY, **other))
    register(HARMONY)
    assert dict(CONTRACTS) == before
