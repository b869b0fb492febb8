"""Pieces as litdata chunks in a store that speaks S3, by moto's server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from datamodules.shared import sharding, stream
from kmidi_lab.errors import DataError


def numbers(path: Path) -> dict[str, np.ndarray]:
    return {"x": np.frombuffer(path.read_bytes(), np.uint8)}


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    pytest.importorskip("litdata", reason="needs litdata: pip install 'kmidi_lab[stream]'")
    server = pytest.importorskip("moto.server", reason="needs moto: pip install 'kmidi_lab[s3test]'")
    boto3 = pytest.importorskip("boto3")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-a-test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("HOME", str(tmp_path))  # where litdata keeps chunks
    own = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    own.start()
    host, port = own.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    boto3.client("s3").create_bucket(Bucket="songs")
    yield "s3://songs/lakh"
    own.stop()


@pytest.mark.slow
def test_a_stream_in_a_store_holds_what_was_written(tmp_path: Path, bucket: str) -> None:
    files = [tmp_path / "files" / f"{n}.bin" for n in range(6)]
    files[0].parent.mkdir()
    for n, file in enumerate(files):
        file.write_bytes(bytes([n] * (n + 1)))
    pieces = sharding.prepare(files, tmp_path / "files", tmp_path / "cache", numbers, "1", 1000, workers=1)
    assert stream.about(bucket) is None
    stream.write(bucket, pieces, {"train": [0, 1, 2, 3], "val": [4], "test": [5]}, {"songs": 6}, 1)
    assert stream.about(bucket) == {"songs": 6}
    read = {split: list(stream.read(bucket, split)) for split in ("train", "val", "test")}
    assert {split: [piece.name for piece in own] for split, own in read.items()} == {
        "train": ["0.bin", "1.bin", "2.bin", "3.bin"], "val": ["4.bin"], "test": ["5.bin"],
    }  # fmt: skip
    assert read["test"][0].arrays["x"].tolist() == [5] * 6
    assert sorted(piece.name for piece in stream.read(bucket, "train", shuffle=True, seed=1)) == [
        f"{n}.bin" for n in range(4)
    ]


@pytest.mark.slow
def test_a_store_that_refuses_is_one_line(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(DataError, match=r"data.stream_dir=s3://songs/lakh: can't be read") as refused:
        stream.about(bucket)
    assert "\n" not in str(refused.value)
