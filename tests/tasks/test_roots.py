"""Where a command reads models: in an empty folder the released ones; and what a refusal says to type works."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig
from support.partial import MODEL, stand_behind

from kmidi_lab import config
from kmidi_lab.tasks.roots import models_root, spare_root

Cli = Callable[..., subprocess.CompletedProcess[str]]
READERS = (("task=registry",), ("task=verify",), ("task=bench", "export.calls=20"))


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What comes with the package, in a folder whose name has to be quoted."""
    return stand_behind(tmp_path / "my (own) Python's packages" / "release", monkeypatch)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("command", READERS, ids=[words[0] for words in READERS])
def test_the_released_models_are_read_where_there_are_none_and_the_folder_is_said(
    called: Cli, release: Path, empty: Path, command: tuple[str, ...]
) -> None:
    done = called(*command, cwd=empty)
    assert done.returncode == 0 and MODEL in done.stdout, done.stderr
    remark = f"No trained models in outputs/models; using the released ones in {release}.\n"
    assert done.stderr.startswith(remark)
    (empty / "outputs" / "models" / "golden").mkdir(parents=True)  # without a file it is nothing of the user's
    again = called(*command, cwd=empty)
    assert again.returncode == 0 and again.stderr.startswith(remark)


@pytest.mark.slow
@pytest.mark.parametrize("command", READERS, ids=[words[0] for words in READERS])
def test_a_folder_that_the_user_names_in_any_way_is_never_replaced(
    called: Cli, release: Path, empty: Path, command: tuple[str, ...]
) -> None:
    own = empty / "conf" / "experiment" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("# @package _global_\nmodels_root: nowhere/models\n", encoding="utf-8")
    in_a_config = called(*command, "experiment=mine", "--config-dir", "conf", cwd=empty)
    above = called(*command, cwd=empty, env={"OUTPUT_ROOT": "nowhere"})
    by_a_variable = called(*command, cwd=empty, env={"MODELS_ROOT": "nowhere/models"})
    for done in (in_a_config, above, by_a_variable):
        assert done.returncode == 2 and re.search("nowhere/models: (there is )?no ", done.stderr), (
            done.stdout,
            done.stderr,
        )
        assert "using the released" not in done.stderr


@pytest.mark.slow
def test_an_answer_has_the_released_model_wherever_outputs_go_but_not_beside_a_named_folder(
    empty: Path, release: Path, called: Cli
) -> None:
    own = empty / "conf" / "experiment" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("# @package _global_\nmodels_root: nowhere/models\n", encoding="utf-8")
    note = bytes.fromhex("00903c40 60803c00 00ff2f00")
    (empty / "x.mid").write_bytes(bytes.fromhex("4d546864 00000006 0000 0001 0060 4d54726b 0000000c") + note)
    ask = ("task=predict", "model=dynamics", "predict.midi=x.mid", "predict.sound=false")
    elsewhere = called(*ask, cwd=empty, env={"OUTPUT_ROOT": "there"})
    assert f"using the released one in {release}" in elsewhere.stderr, elsewhere.stderr
    (empty / "nowhere" / "models").mkdir(parents=True)
    named = called(*ask, "experiment=mine", "--config-dir", "conf", cwd=empty)
    assert "using the released" not in named.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", READERS, ids=[words[0] for words in READERS])
def test_what_a_refusal_says_to_type_works(called: Cli, release: Path, empty: Path, command: tuple[str, ...]) -> None:
    refused = called(*command, "models_root=outputs/release", cwd=empty)
    assert refused.returncode == 2 and "using the released" not in refused.stderr
    [told] = re.findall(r"or type (.*)$", refused.stderr, re.MULTILINE)
    done = called(*command, *shlex.split(told), cwd=empty)
    assert done.returncode == 0 and MODEL in done.stdout, (told, done.stderr)


@pytest.mark.slow
def test_compare_reads_the_release_too_and_names_another_folder(called: Cli, release: Path, empty: Path) -> None:
    compare = ("task=registry", "registry.action=compare", "registry.model=dynamics")
    refused = called(*compare, "registry.other=nowhere", cwd=empty)
    [told] = re.findall(r"or type (registry\.other=.*|'registry\.other=.*)$", refused.stderr, re.MULTILINE)
    done = called(*compare, *shlex.split(told), cwd=empty)
    assert done.returncode == 0 and f"A: {release} (published)" in done.stdout, done.stderr


@pytest.mark.slow
def test_what_changes_a_folder_never_changes_the_release(refusal: Callable[..., str], release: Path) -> None:
    before = (release / "registry.json").read_bytes()
    for action in ("promote", "demote", "rollback", "rehome"):
        words = (f"registry.action={action}", "registry.model=dynamics", "registry.reason=r")
        line = refusal("task=registry", *words)
        assert "outputs/models: no registry.json there" in line and line.endswith("type models_root=DIR")
    assert (release / "registry.json").read_bytes() == before


@pytest.mark.slow
def test_a_folder_of_the_users_own_is_verified_whatever_it_holds(called: Cli, release: Path, empty: Path) -> None:
    own = empty / "outputs" / "models"
    own.mkdir(parents=True)
    (own / f"{MODEL}.onnx").write_bytes(b"not ONNX")
    for command in READERS[::2]:
        refused = called(*command, cwd=empty)
        assert refused.returncode == 2 and "outputs/models: no " in refused.stderr and str(MODEL) not in refused.stdout
    broken = called("task=verify", cwd=empty)
    assert broken.returncode == 1 and f"{MODEL}.onnx" in broken.stdout and str(release) not in broken.stderr
    (own / "registry.json").write_text(json.dumps({"models": 5}))
    assert called("task=registry", cwd=empty).returncode == 2


@pytest.mark.slow
def test_queue_and_label_name_the_release_too(refusal: Callable[..., str], release: Path, tmp_path: Path) -> None:
    (tmp_path / "nowhere").mkdir()
    line = refusal("task=queue", "model=intent", "models_root=nowhere")
    assert "no trained intent model in nowhere" in line
    assert shlex.split(line.partition("or type ")[2])[0].startswith("models_root='") and "packages/release" in line


def test_until_the_folder_of_the_variable_is_made_the_release_answers(
    release: Path, empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typed folder of another name is refused as ever, and one that is made is the user's own, whatever it lacks."""
    monkeypatch.chdir(empty)
    monkeypatch.setenv("MODELS_ROOT", "later/models")
    [cfg] = config.check(["model=dynamics"], False)
    assert cfg is not None
    monkeypatch.setattr(HydraConfig.instance(), "cfg", cfg)
    assert (models_root(cfg, "dynamics"), spare_root(cfg)) == (release, release)
    assert capsys.readouterr().err == f"No trained dynamics in later/models; using the released one in {release}.\n"
    (empty / "later" / "models").mkdir(parents=True)
    assert (models_root(cfg, "dynamics"), spare_root(cfg)) == (Path("later/models"), None)


@pytest.mark.parametrize(
    "words",
    [
        ("task=predict", "model=harmony", "predict.chords=Dm7 G7"),
        ("task=compose", "compose.text=a happy tune"),
        ("task=queue", "model=intent"),
    ],
)
def test_a_named_folder_that_is_not_there_gives_no_answer_without_models(
    refusal: Callable[..., str], release: Path, words: tuple[str, ...]
) -> None:
    line = refusal(*words, "models_root=gone/models")
    assert "models_root=gone/models: there is no such folder; leave it out, or type " in line
    assert shlex.split(line.partition("or type ")[2])[0].startswith("models_root='")
