"""What stands round an answer: how to have the released model instead; a question taken back leaves nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.called import Cli
from support.partial import MODEL, stand_behind

from kmidi_lab import stopping, tasks
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.tasks import predict


class Asked(Request[str]):
    """Answers nothing."""

    def run(self, published: Published | None, session: Session) -> str:
        return ""

    def show(self, answer: str, session: Session) -> None:
        pass


@pytest.mark.parametrize("status", ["training", "trained"])
def test_beside_a_model_that_is_not_proved_stands_how_to_have_the_released_one(
    status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    release = stand_behind(tmp_path / "release", monkeypatch)
    own = shutil.copytree(release, tmp_path / "own")
    registry = json.loads((own / "registry.json").read_text())
    [entry] = registry["models"]
    assert entry["id"] == MODEL
    entry |= {"status": status, "status_reason": "does not beat ridge on test velocity_r (0.1 against 0.5)"}
    (own / "registry.json").write_text(json.dumps(registry))
    monkeypatch.setattr(predict, "build", lambda *_: Asked())
    cfg = SimpleNamespace(
        predict={"_target_": "Asked", "sound": False, "adapter": None}, trusted=[], model=SimpleNamespace(name="dynamics"),
        paths=SimpleNamespace(cache_dir=tmp_path, output_root=tmp_path), seed=1,
    )  # fmt: skip
    monkeypatch.setattr(predict.OmegaConf, "to_container", lambda plain, resolve: dict(plain))
    for root, told in ((own, status == "training"), (release, False)):
        monkeypatch.setattr(predict, "models_root", lambda *_, root=root: root)
        predict.main(cfg, {"folder": tmp_path})  # type: ignore[arg-type]
        said = capsys.readouterr().err.splitlines()
        line = f"To use the released dynamics instead, add models_root={release} to a command, or set MODELS_ROOT to that folder."
        assert (said[-1:] == [line]) == told and (line in said) == told


@pytest.mark.parametrize(("task", "left"), [("compose", False), ("info", True)])
def test_an_answer_that_is_stopped_before_anything_is_written_leaves_no_folder(
    called: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str, left: bool
) -> None:
    def stop(*_: Any) -> None:
        raise stopping.Stopped

    monkeypatch.setattr(tasks, "run_task", stop)
    done = called(f"task={task}", "model=harmony")
    assert done.returncode == 130 and "to begin again, type: " in done.stdout + done.stderr
    assert [path.name for path in tmp_path.rglob("run.json")] == ["run.json"] * left
    assert bool(list(tmp_path.glob("outputs/*/*"))) == left
