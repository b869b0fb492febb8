"""Prepared pieces as litdata chunks, for sets larger than the disk: written once, read in order or shuffled, chunk by chunk.

A folder (or an address that litdata reads, such as s3://…) holds `train`, `val` and `test`, and `about` with the set's
description, which is written last.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import multiprocessing
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.shared.shards import FileArrays, Shards
from datamodules.shared.splits import SPLITS
from kmidi_lab.errors import ConfigError, DataError, first_line, reason, show

_CHUNK, _CACHE = "16MB", "25GB"
_ABOUT = "about"
_WRITTEN = re.compile(r"index\.json|chunk-[\d-]+(?:\.\w+)?\.bin")
"""What litdata writes into a folder of a stream."""


def require() -> None:
    """Raises ConfigError where litdata is not installed."""
    if importlib.util.find_spec("litdata") is None:
        raise ConfigError("data.stream=true needs litdata; type pip install 'kmidi_lab[stream]'")


def write(
    folder: str, pieces: Shards, chosen: Mapping[str, Sequence[int]], about: Mapping[str, Any], workers: int
) -> None:
    """Pieces of each split at their places in `pieces`; `about` is plain JSON.

    In a process of its own: litdata sets the start method of all processes to come.

    Raises:
        ConfigError: the folder holds other files, which are left alone. DataError: writing has failed.
    """
    require()
    _check_replaceable(folder)
    process = multiprocessing.get_context("spawn").Process(
        target=_write, args=(folder, pieces.indexes, dict(chosen), dict(about), workers)
    )
    process.start()
    process.join()
    if process.exitcode:
        raise DataError(f"{folder}: the stream could not be written; see above, free space or give data.stream_dir")


def _check_replaceable(folder: str) -> None:
    """An earlier stream is removed, and nothing else: a folder may be named by mistake, or by someone else's config."""
    if "://" in folder or not os.path.lexists(folder):
        return
    try:
        parts = list(Path(folder).iterdir())
        other = sorted(path.name for path in parts if path.name not in (*SPLITS, _ABOUT))
        for part in parts if not other else ():
            other += [f"{part.name}/{path.name}" for path in part.iterdir() if not _WRITTEN.fullmatch(path.name)]
    except OSError as error:
        raise ConfigError(f"data.stream_dir={folder}: no folder that can be read ({reason(error)})") from None
    if other:
        raise ConfigError(
            f"data.stream_dir={folder}: holds {show(other[0])}, so it is no stream of the lab; name a folder that is empty"
        )


def _write(folder: str, indexes: Sequence[Path], chosen: dict[str, Sequence[int]], about: Any, workers: int) -> None:
    from litdata import optimize

    _allow_plain_http()
    if "://" not in folder:
        shutil.rmtree(folder, ignore_errors=True)
    pieces = Shards(indexes)
    # Each part has workers of its own: forked from a process that has imported litdata, they don't import it each.
    multiprocessing.set_forkserver_preload(["litdata", __name__])
    start = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    how: dict[str, Any] = {"chunk_bytes": _CHUNK, "mode": "overwrite", "verbose": False, "start_method": start}
    for split in SPLITS:
        places = list(chosen[split])
        if places:
            optimize(partial(_item, pieces), places, f"{folder}/{split}", num_workers=workers, **how)
    optimize(json.dumps, [about], f"{folder}/{_ABOUT}", num_workers=1, **how)


def _item(pieces: Shards, at: int) -> dict[str, Any]:
    piece = pieces[at]
    # litdata pickles a text that happens to be the name of a file here.
    name = np.frombuffer(piece.name.encode(errors="surrogateescape"), np.uint8)
    return {"name": name, **{field: np.array(values) for field, values in piece.arrays.items()}}


def about(folder: str) -> dict[str, Any] | None:
    """What `write` was given as `about`; None where no whole stream is. Raises DataError: the address can't be read."""
    try:
        return dict(json.loads(_dataset(folder, _ABOUT)[0]))
    except (OSError, ValueError, RuntimeError):
        return None
    except Exception as error:
        if "://" not in folder or not type(error).__module__.startswith(("botocore", "boto3")):
            raise
        if "(404)" in str(error):
            return None
        raise DataError(
            f"data.stream_dir={folder}: can't be read ({first_line(error)}); see AWS_ENDPOINT_URL and the credentials"
        ) from None


def read(folder: str, split: str, shuffle: bool = False, seed: int = 0) -> Iterator[FileArrays]:
    """Every piece of a split once, a chunk at a time; at most 25 GB of a remote folder are kept here."""
    for item in _dataset(folder, split, shuffle=shuffle, seed=seed):
        name = item.pop("name")
        name = name if isinstance(name, str) else np.asarray(name).tobytes().decode(errors="surrogateescape")
        yield FileArrays(name, {field: np.asarray(values) for field, values in item.items()})


def _dataset(folder: str, part: str, **how: Any) -> Any:
    from litdata import StreamingDataset
    from litdata.streaming.serializers import PickleSerializer

    _allow_plain_http()
    # A folder from someone else could run anything in this process; what the lab writes needs no pickle.
    PickleSerializer.deserialize = _refuse
    logging.getLogger("litdata").setLevel(logging.WARNING)  # it says at every reading how it reads
    return StreamingDataset(f"{folder}/{part}", max_cache_size=_CACHE, **how)


def _allow_plain_http() -> None:
    """For a store in one's own network that AWS_ENDPOINT_URL names by http://; litdata has no setting for it."""
    if os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        from litdata.streaming import downloader

        downloader._OBSTORE_CLIENT_OPTIONS["allow_http"] = True


def _refuse(serializer: object, data: bytes) -> None:
    raise DataError("the stream holds pickled objects, which could run anything; write it again with data.stream=true")
