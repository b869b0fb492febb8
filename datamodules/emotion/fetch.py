"""RAVDESS from where it is published, for those who accept its licence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from datamodules.shared.fetch import download, unpack
from kmidi_lab.errors import ConfigError, DataError

LICENCE = "CC-BY-NC-SA-4.0"
DOI = "10.5281/zenodo.1188976"
HOW = f"task=prepare model=emotion data=ravdess data.fetch={LICENCE}"
_ARCHIVES = {"speech": "Audio_Speech_Actors_01-24", "song": "Audio_Song_Actors_01-24"}
_MAX_UNPACKED = 4 * 2**30


def fetch(root: Path, licence: str, channels: Sequence[str], progress: bool = True) -> None:
    """The archives of `channels` (some 220 MB each) into `root/ravdess`, checked against their published checksums.

    Goes on where it broke off; the archives stay, so that nothing is fetched twice.

    Args:
        licence: must be LICENCE: whoever fetches accepts it.

    Raises:
        ConfigError: another licence. DataError: the archive can't be reached, or gives other bytes than it should.
    """
    if licence != LICENCE:
        raise ConfigError(
            f"data.fetch={licence}: RAVDESS may be used under {LICENCE} only; data.fetch={LICENCE} accepts that"
        )
    listed = published_files(DOI)
    for channel in channels:
        name = f"{_ARCHIVES[channel]}.zip"
        if name not in listed:
            raise DataError(f"doi:{DOI} no longer lists {name}; fetch it by hand and unpack it in {root}/ravdess")
        url, checksum, size = listed[name]
        download(url, root / "ravdess" / name, checksum, size, progress=progress)
        unpack(root / "ravdess" / name, root / "ravdess" / _ARCHIVES[channel], _MAX_UNPACKED, progress)


def published_files(doi: str) -> dict[str, tuple[str, str, int]]:
    """(address, checksum, size in bytes) by name of the files behind a DOI, as the repository tells them now.

    Raises:
        DataError: it can't be reached.
    """
    import requests
    from pooch.downloaders import doi_to_repository

    try:
        repository: Any = doi_to_repository(doi)
        told = SimpleNamespace(registry={})
        repository.populate_registry(told)
        sizes = {
            f.get("key") or f["filename"]: int(f.get("size") or f["filesize"]) for f in repository.api_response["files"]
        }
        return {name: (repository.download_url(name), told.registry[name], size) for name, size in sizes.items()}
    except (requests.RequestException, ValueError, KeyError) as error:
        raise DataError(
            f"doi:{doi} can't be looked up ({str(error)[:200]}); try again later, or fetch it by hand"
        ) from error
