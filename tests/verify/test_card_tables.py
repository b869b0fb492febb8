"""Cards whose tables the lab did not write."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kmidi_lab.verify.card import check_card_text
from kmidi_lab.verify.card_tables import check_card_tables
from kmidi_lab.verify.files import check_card
from kmidi_lab.verify.findings import Checks

ENTRY = {"parity": {"onnx": 1.0, "calls": 10**400}, "latency": {"backends": {"rt": {"median_us": 1.0}}}}
ONNX = "| file or reader | error |\n| --- | --- |\n| onnx | {} |\n"


def faults(card: str) -> list[str]:
    checks = Checks("a model")
    check_card_tables(checks, "a.card.md", card, ENTRY)
    return [fault.message for fault in checks.faults]


@pytest.mark.parametrize(
    "broken", ["|\n| ---\n|\n", "| a ↑ |\n| --- |\n|\n", "| file or reader |\n| --- |\n| onnx |\n"]
)
def test_a_table_of_one_column_hides_no_other(broken: str) -> None:
    assert len(faults(f"{broken}\n{ONNX.format('0.5')}")) == 1
    assert not faults(f"{broken}\n{ONNX.format('1.0')}")


@pytest.mark.parametrize("figure", ["1e99999999999", "1e999999", f"1.{'0' * 2_000_001}1", "9" * 2_000_000])
def test_a_figure_of_any_length_is_only_another_one(figure: str) -> None:
    [fault] = faults(ONNX.format(f"2{figure}"))
    assert "parity of onnx is 2" in fault
    assert faults(f"| backend | median |\n| --- | --- |\n| rt | 2{figure} ms |\n")
    assert not faults(f"against the trained network over {figure} calls"), "a number of the entry that no float holds"


@pytest.mark.parametrize("line", ["| --- | --- |\n", "- Over x\n"])
def test_a_card_is_read_once(line: str) -> None:
    began = time.process_time()
    faults(line * 20_000)
    assert time.process_time() - began < 5, "not once for each line"


MARKS = ("Licences: ", "Status **a**: ", "> **Stand-in data.** ", "No baseline has these: , a 1", "- Over a is 1 ± ", "### x (",
         "| settings | train\\_loss ", "fingerprint `", "| a | ", "Use in a product: **", "## Data\n\n`", "-+.1de")  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
def test_a_card_of_marks_is_read_in_time_that_grows_with_it(mark: str) -> None:
    entry = {**ENTRY, "id": "a", "license": "MIT", "status": "trained", "training": {"train_loss": 1.0}, "spread": {}}
    checks, began = Checks("a model"), time.process_time()
    check_card_text(
        checks, "a.card.md", f"# a\n\n| settings | train\\_loss {mark * ((1 << 17) // len(mark))} |\n", entry
    )
    check_card_text(checks, "a.card.md", f"# a\n{mark * ((1 << 17) // len(mark))}", entry)
    assert time.process_time() - began < 5 and checks.faults


def test_a_card_larger_than_any_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.card.md").write_text("Licences: " * 20_000, encoding="utf-8")
    checks = Checks("a model")
    check_card(checks, tmp_path, {"model_card": "a.card.md", "parity": {}})
    [fault] = checks.faults
    assert fault.message.startswith("a.card.md has 195 KiB, more than any card (128 KiB)")
