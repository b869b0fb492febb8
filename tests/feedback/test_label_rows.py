"""Rows of a filled-in queue.csv: who gave a label."""

from __future__ import annotations

from pathlib import Path

from kmidi_lab.feedback.labels import Labels, take_in
from kmidi_lab.feedback.store import FILE, Store

HEADER = "rank,source,score,guess,chance,label,rater,item"


def rows(path: Path, *raters: str) -> Path:
    path.write_text("\n".join([HEADER, *(f"{i},x,0,a,0,joy,{r},{i:064x}" for i, r in enumerate(raters, 1))]))
    return path


def test_a_row_without_a_rater_is_nobodys_where_others_have_one(tmp_path: Path) -> None:
    labels = Labels(Store(tmp_path / FILE), "intent")
    new, there, faults = take_in(rows(tmp_path / "a.csv", "ann", "", "me", " "), labels, str, 1_800_000_000, {})
    assert (new, there, len(faults)) == (2, 0, 2)
    assert all("no rater" in fault for fault in faults) and ":3:" in faults[0] and ":5:" in faults[1]


def test_without_any_rater_one_person_labelled(tmp_path: Path) -> None:
    labels = Labels(Store(tmp_path / FILE), "intent")
    assert take_in(rows(tmp_path / "a.csv", "", ""), labels, str, 1_800_000_000, {}) == (2, 0, [])
