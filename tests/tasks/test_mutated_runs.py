"""No content of a run folder (config.yaml, run.json, a checkpoint) ends in a traceback: it is read, or refused in one line."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mutations import EXAMPLES, damaged, json_bytes, mutated

from kmidi_lab import run_file
from kmidi_lab.after_fit import numpy_call
from kmidi_lab.data import DataModule
from kmidi_lab.errors import LabError
from kmidi_lab.report.leaderboard import leaderboard
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.sweeps import kept
from kmidi_lab.targets import build, find
from kmidi_lab.tasks.run_weights import load_run

RUN = Path(__file__).parents[1] / "fixtures/run_of_0_1_0"
few = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@contextlib.contextmanager
def _copy() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield shutil.copytree(RUN, Path(folder) / "0")


def _opened(run: Path) -> None:
    """What task=eval and task=export do with the folder before they read data."""
    try:
        module, config, _ = load_run(run, [])
        data = find(config["data"].get("_target_"), DataModule, [])
        data.identity(config["data"])
        numpy_call(module.export_network())
        module.head()
        run_file.read(run / run_file.FILE)
        build(config["model"].get("evaluator"), Evaluator, [])
        build({**config["data"], "root": str(run), "cache_dir": str(run)}, DataModule, [])
    except LabError as error:
        assert "\n" not in str(error) and len(str(error)) < 3000


def test_the_run_as_it_was_is_read() -> None:
    _opened(RUN)


@pytest.mark.slow
@few
@given(data=st.data())
def test_a_config_of_any_content(data: st.DataObject) -> None:
    changed = data.draw(mutated(yaml.safe_load((RUN / "config.yaml").read_bytes())))
    with _copy() as run:
        (run / "config.yaml").write_bytes(json_bytes(changed))  # YAML holds JSON
        _opened(run)


@pytest.mark.slow
@few
@given(data=st.data())
def test_a_record_of_any_content(data: st.DataObject) -> None:
    changed = data.draw(mutated(json.loads((RUN / "run.json").read_bytes())))
    with _copy() as run:
        (run / "run.json").write_bytes(json_bytes(changed))
        _opened(run)
        leaderboard(run.parent)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["config.yaml", "run.json", "checkpoints/best.ckpt"])
@few
@given(data=st.data())
def test_a_damaged_file(name: str, data: st.DataObject) -> None:
    with _copy() as run:
        (run / name).write_bytes(data.draw(damaged((run / name).read_bytes())))
        _opened(run)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_the_place_of_a_record_is_not_waited_for() -> None:
    with _copy() as run:
        for read in (lambda: run_file.read(run / run_file.FILE), lambda: kept.read(run)):
            for name in (run_file.FILE, kept.FILE):
                (run / name).unlink(missing_ok=True)
                os.mkfifo(run / name)
            with pytest.raises(LabError, match="not a plain file"):
                read()
