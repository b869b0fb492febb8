"""Small models that several tests go on from: each is trained once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests.conftest import Cli

Trained = Callable[..., Path]


@pytest.fixture
def trained(called: Cli, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trains for an epoch as is typed, or takes what a test before trained so; the folder of models in this test's own."""

    def run(*words: str) -> Path:
        kept = tmp_path_factory.getbasetemp() / f"trained-{sha256(' '.join(words).encode()).hexdigest()[:8]}"
        if kept.is_dir():
            shutil.copytree(kept, tmp_path / "outputs")
        else:
            done = called(*words, "trainer.max_epochs=1")
            assert done.returncode == 0, done.stderr
            shutil.copytree(tmp_path / "outputs", kept)
        return tmp_path / "outputs" / "models"

    return run
