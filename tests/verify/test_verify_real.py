"""Verifying folders that exist: the lab's release, KmiDi's registry, RTNeural's own models."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmidi_lab.contracts import DYNAMICS, GROOVE, HARMONY, MELODY
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.verify.folder import verify_folder


@pytest.mark.slow
def test_the_mit_release_is_clean(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The release itself is verified in `test_light`, without training packages."""
    monkeypatch.chdir(repo)
    found = verify_folder(Path("outputs/release_mit"), None)
    assert found.models and found.faults == []
    assert {note.check for note in found.notes} <= {"agreement", "real RTNeural"}, "nothing is left unproved"


def test_kmidis_registry_has_faults_in_every_entry(shared: Path) -> None:
    found = verify_folder(shared / "kmidi", None)
    assert len(found.models) == 7
    for checks in found.models:
        assert {"file", "card"} <= {f.check for f in checks.faults}, checks.subject
    told = {(f.subject, f.check) for f in found.faults}
    assert {
        ("emotionrecognizer", "output_size"),
        ("melodytransformer", "input_size"),
        (DYNAMICS.id, "duration"),
        (GROOVE.id, "claim"),
    } <= told


def test_rtneurals_own_models(golden_folder: Path) -> None:
    found = verify_folder(golden_folder, None)
    refused = {f.subject: f.message for f in found.faults}
    assert "bad_lstm.json: layer 0 (lstm): input weight" in refused["bad_lstm"]
    # RTNeural reads 2D convolutions; this lab writes none.
    assert set(refused) == {"bad_lstm", "conv2d"}
    assert len(found.models) == 9


def test_the_mit_release_may_be_used_in_a_product(repo: Path) -> None:
    entries = load_registry(repo / "outputs/release_mit")["models"]
    assert {entry["product_use"] for entry in entries} == {"yes"}
    assert {entry["id"] for entry in entries} == {HARMONY.id, MELODY.id}
