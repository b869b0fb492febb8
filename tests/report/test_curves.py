"""Reading Lightning's metrics.csv."""

from __future__ import annotations

from pathlib import Path

from kmidi_lab.report.curves import panels, read_curves

HEAD = "epoch,step,train/loss,val/loss,val/perplexity\r\n"


def _read(folder: Path, text: str) -> list[dict[str, float]]:
    path = folder / "metrics.csv"
    path.write_bytes(text.encode())
    return read_curves(path)


def test_sparse_rows(tmp_path: Path) -> None:
    rows = _read(tmp_path, HEAD + "0,9,2.5,,\r\n0,9,,2.25,9.5\r\n")
    assert rows == [
        {"epoch": 0.0, "step": 9.0, "train/loss": 2.5},
        {"epoch": 0.0, "step": 9.0, "val/loss": 2.25, "val/perplexity": 9.5},
    ]


def test_last_line_empty_or_cut(tmp_path: Path) -> None:
    whole = [{"epoch": 0.0, "step": 9.0, "train/loss": 2.5}]
    assert _read(tmp_path, HEAD + "0,9,2.5,,\r\n\r\n") == whole
    assert _read(tmp_path, HEAD + "0,9,2.5,,\r\n1,18,2") == whole
    assert _read(tmp_path, HEAD) == [] == _read(tmp_path, "")
    assert read_curves(tmp_path / "none.csv") == []


def test_panels_take_the_mean_of_the_epoch() -> None:
    rows = [
        {"epoch": 0.0, "train/loss_step": 3.0},
        {"epoch": 0.0, "train/loss_epoch": 2.0, "val/top1": 0.5},
        {"epoch": 0.0, "val/loss": 2.5, "test/loss": 9.0, "lr-AdamW": 0.1},
    ]
    drawn = panels(rows)
    assert list(drawn) == ["loss", "top1"]
    assert drawn["loss"] == {"train": ([0.0], [2.0]), "val": ([0.0], [2.5])}
