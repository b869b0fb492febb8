"""A models folder with two small models, and the fake Hub."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.fake_hub import FakeHub, Repo, fake_hub  # noqa: F401  fixture

from kmidi_lab.hub import push
from kmidi_lab.hub.readme import readme
from kmidi_lab.registry.files import read_files
from kmidi_lab.registry.registry import load_registry, publish
from kmidi_lab.verify.findings import Checks
from kmidi_lab.verify.folder import Verification

_IDS = ("dynamicsengine", "structurepredictor")


@pytest.fixture(scope="session")
def small_folder(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the released models, to be copied."""
    root, release = tmp_path_factory.mktemp("small"), repo / "outputs" / "release"
    for entry in load_registry(release)["models"]:
        if entry["id"] in _IDS:
            publish(root, entry, read_files(release, entry))
    return root


@pytest.fixture
def models(small_folder: Path, tmp_path: Path) -> Path:
    """The same, this test's own."""
    return Path(shutil.copytree(small_folder, tmp_path / "models"))


@pytest.fixture(scope="session")
def content(small_folder: Path) -> dict[str, bytes]:
    """What a push of it sends."""
    files, entries = push.published(small_folder)
    return {**files, "README.md": readme(entries, "me/lab").encode()}


@pytest.fixture
def pushed(fake_hub: FakeHub, content: dict[str, bytes]) -> FakeHub:  # noqa: F811
    """A Hub that holds me/lab, public."""
    fake_hub.repos["me/lab"] = Repo(private=False)
    fake_hub.repos["me/lab"].add({".gitattributes": b"", **content})
    return fake_hub


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """A push that leaves out the verification of its folder, which takes most of its time."""
    monkeypatch.setattr(push, "verify_folder", lambda root, runner: Verification(root, Checks("folder"), []))


@pytest.fixture
def at_hub(fake_hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """This process is logged in there."""
    for key, value in fake_hub.env().items():
        monkeypatch.setenv(key, value)
