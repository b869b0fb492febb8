"""A wrong command is refused at once: before torch and Lightning, whose import takes seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REFUSED = {
    "hardware.precision=foo": "Allowed: 32-true",
    "build=prod_aws": "this machine does not train",
    "trainer.resume=nowhere": "no checkpoint there; give a run folder",
    "task=eval eval.model=nowhere": "registry.json, such as outputs/release",
    "task=export export.source=nowhere": "no run there; give a run folder",
    "task=export": "needs a finished run",
    "data._target_=nope.Nope": "type trusted=[nope]",
    "model.module._target_=os.system": "type trusted=[os]",
    "model.evaluator._target_=nothing": "no name of a class",
}
PROGRAM = """
import sys
from kmidi_lab.__main__ import main
codes = [main(words.split()) for words in sys.argv[1:]]
print(codes, [name for name in ("torch", "lightning", "librosa") if name in sys.modules])
"""


@pytest.mark.slow
def test_what_is_wrong_is_said_before_torch_is_imported(tmp_path: Path, lab_env: dict[str, str]) -> None:
    """In one process for all: its imports are what this is about."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *REFUSED], cwd=tmp_path, env=lab_env, capture_output=True, text=True
    )
    out = done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"{[2] * len(REFUSED)} []", out
    for said in REFUSED.values():
        assert said in out, said
