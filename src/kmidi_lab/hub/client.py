"""What is asked of the Hugging Face Hub, each answer checked for its form and each error made one line.

The token is the environment's (HF_TOKEN) or the login's. It goes to the Hub and nowhere else: into no message, no log
and no file.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeVar

import httpx2
import huggingface_hub
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_session, get_token, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, disable_progress_bars, hf_raise_for_status, validate_repo_id

from kmidi_lab.errors import HubError, LabError, one_line, reason, show
from kmidi_lab.registry.files import LARGEST_FILE

T = TypeVar("T")
_TIMEOUT_S = 60.0
_WAITS_S = (0.0, 1.0, 4.0)
"""Between the tries of a download."""
_LOGIN = "type hf auth login, or set HF_TOKEN"


@dataclass(frozen=True)
class RemoteFile:
    """A file of a listing; `sha256` is there for large files only."""

    size: int
    sha256: str | None


@dataclass(frozen=True)
class Listing:
    """A repository at one commit."""

    commit: str
    private: bool
    files: Mapping[str, RemoteFile]


@dataclass
class Repository:
    """A model repository, `user/name`.

    Raises:
        HubError: no such name can be.
    """

    name: str
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs addresses, and some are signed
        huggingface_hub.logging.set_verbosity(logging.CRITICAL)  # what goes wrong is said once, by us
        disable_progress_bars()
        if self.name.count("/") != 1:
            raise HubError(f"{show(self.name)} is no name of a repository; type user/name")
        self._ask(lambda: validate_repo_id(self.name))
        self.token = self._ask(get_token)
        self._endpoint = os.environ.get("HF_ENDPOINT") or huggingface_hub.constants.ENDPOINT
        self._api = HfApi(endpoint=self._endpoint, token=self.token or False)

    def listing(self, revision: str | None = None) -> Listing:
        """What is there at a branch, tag or commit. Raises HubError."""
        return self._ask(lambda: self._listing(revision))

    def there(self) -> Listing | None:
        """The same of the main branch; None where there is no such repository, or the token may not see it."""
        try:
            return self.listing()
        except HubError as error:
            if _status(error.__cause__) == 404:
                return None
            raise

    def read(self, name: str, commit: str, most: int = LARGEST_FILE) -> bytes:
        """The content of a file. Raises HubError: cut off, refused, or more than `most` bytes."""
        return self._ask(lambda: self._read(name, commit, most))

    def create(self, private: bool) -> None:
        """Makes it. Raises HubError: it is there, or the token may not."""
        self._ask(lambda: self._api.create_repo(self.name, private=private))

    def commit(self, message: str, files: Mapping[str, bytes], remove: Iterable[str], parent: str | None) -> str:
        """Adds and removes files, all or none; returns the commit.

        Args:
            message: of the commit.
            files: content by path.
            remove: paths.
            parent: the commit that must still be the newest; None is any.

        Raises:
            HubError: nothing is changed there.
        """
        adds = [CommitOperationAdd(name, data) for name, data in files.items()]
        changes = [*adds, *(CommitOperationDelete(name) for name in remove)]
        done = self._ask(
            lambda: self._api.create_commit(self.name, changes, commit_message=message, parent_commit=parent)
        )
        return str(done.oid)

    def _listing(self, revision: str | None) -> Listing:
        info = self._api.model_info(self.name, revision=revision, files_metadata=True, timeout=_TIMEOUT_S)
        files = {file.rfilename: _remote_file(file) for file in info.siblings or []}
        for name in files:
            _check_path(self.name, name)
        return Listing(str(info.sha), bool(info.private), files)

    def _read(self, name: str, commit: str, most: int) -> bytes:
        url = hf_hub_url(self.name, name, revision=commit, endpoint=self._endpoint)
        for wait in _WAITS_S:
            try:
                return self._read_once(url, name, most)
            except (httpx2.TransportError, HfHubHTTPError) as error:
                if (_status(error) or 500) < 500:
                    raise
            time.sleep(wait)
        return self._read_once(url, name, most)

    def _read_once(self, url: str, name: str, most: int) -> bytes:
        headers = build_hf_headers(token=self.token or False)
        with get_session().stream("GET", url, headers=headers, timeout=_TIMEOUT_S) as answer:
            hf_raise_for_status(answer)
            data = bytearray()
            for part in answer.iter_bytes():
                data += part
                if len(data) > most:
                    raise HubError(f"{self.name}: {show(name)} has more than the {most} bytes it may have")
            return bytes(data)

    def _ask(self, what: Callable[[], T]) -> T:
        """Whatever the Hub, its library or the network raises becomes one line."""
        try:
            return what()
        except LabError:
            raise
        except Exception as error:
            text = f"{self.name}: {_explained(error)}"
            raise HubError(text.replace(self.token, "…") if self.token else text) from error


def _remote_file(file: object) -> RemoteFile:
    size, lfs = getattr(file, "size", None), getattr(file, "lfs", None)
    return RemoteFile(size if isinstance(size, int) else -1, str(lfs.sha256) if lfs else None)


def _check_path(repo: str, name: str) -> None:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or not name.isprintable():
        raise HubError(f"{repo}: its listing names {show(name)}, which no repository can hold; nothing was taken")


def _status(error: BaseException | None) -> int | None:
    return error.response.status_code if isinstance(error, HfHubHTTPError) else None


def _explained(error: Exception) -> str:
    """What is wrong and what to do."""
    kinds: list[tuple[type | tuple[type, ...], str]] = [
        (HFValidationError, f"no name of a repository ({reason(error)}); type user/name"),
        (LocalTokenNotFoundError, f"there is no token; {_LOGIN}"),
        (OfflineModeIsEnabled, "HF_HUB_OFFLINE is set; unset it"),
        (GatedRepoError, "its owner gives access one by one; ask for it on its page"),
        (RevisionNotFoundError, "no such branch, tag or commit there; leave hub.revision out for the newest"),
        (RemoteEntryNotFoundError, "a file of its listing is not there; try again"),
        (RepositoryNotFoundError, f"no such model repository, or it is private and not yours to see; if so, {_LOGIN}"),
        (httpx2.TimeoutException, "no answer in time; try again later"),
        (
            httpx2.TransportError,
            f"the connection failed ({reason(error)}); check the network and HF_ENDPOINT, try again",
        ),
    ]
    for kind, text in kinds:
        if isinstance(error, kind):
            return text
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, Exception):
        return _explained(error.__cause__)  # of one upload among several
    status = _status(error)
    if status is None:
        return f"what came is no answer of a Hub ({reason(error)}); check HF_ENDPOINT"
    word = getattr(error, "server_message", None)
    said = f"{status}{f', {one_line(str(word))}' if word else ''}"
    if status == 401:
        return f"the token is not valid, or the repository is not yours to see ({said}); {_LOGIN}"
    if status == 403:
        return f"the token may not do that ({said}); use one that may write there"
    if status == 404:
        return f"no such model repository ({said}); check the name, and that it is a model, no data set and no space"
    if status in (409, 412):
        return f"it was changed or made meanwhile ({said}); try again"
    if status >= 500:
        return f"the Hub has trouble ({said}); try again later"
    return f"the Hub refuses ({said})"
