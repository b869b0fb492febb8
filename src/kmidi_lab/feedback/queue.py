"""A queue of questions as a CSV file: what `task=queue` writes, a person fills in, and the page of `task=label` asks from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from kmidi_lab.errors import DataError, UserError, one_line, reason
from kmidi_lab.feedback.labels import Rows
from kmidi_lab.feedback.material import Asker, Item, Refuse, asked_item, inside, source_of
from kmidi_lab.inference.questions import Question
from kmidi_lab.registry.files import TooLargeError, read_bounded

COLUMNS = ("rank", "source", "score", "guess", "chance", "label", "rater", "item")
LABELLED = ("item", "label", "rater")
"""Columns that a queue needs whose labels are taken."""
_MOST_BYTES = 64 * 2**20


def queue_rows(items: Sequence[Item]) -> bytes:
    """A row for each item; texts and sounds stay where they are."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for rank, item in enumerate(items, start=1):
        guess, chance = item.guess.likeliest
        table.writerow([rank, item.source, f"{item.score:.4f}", guess, f"{chance:.3f}", "", "", item.question.item])
    return out.getvalue().encode("utf-8", "surrogateescape")


def queue_items(path: Path, folder: Path, asker: Asker, refuse: Refuse) -> Iterator[Item]:
    """The items of a queue, each looked up in its folder.

    Args:
        path: the queue.
        folder: that it was made of.
        asker: the model.
        refuse: is given a line for each row whose material is not there, is not what it was, or lies elsewhere.

    Raises:
        DataError: no queue.
    """
    for file, question in queue_questions(path, list(read_rows(path, ("source", "item"))), folder, asker, refuse):
        try:
            yield asked_item(asker, folder, file, question)
        except (UserError, OSError) as error:
            refuse(f"{path}: {one_line(source_of(folder, file, question), 80)}: {reason(error)}")


def queue_questions(
    path: Path, rows: Rows, folder: Path, asker: Asker, refuse: Refuse
) -> Iterator[tuple[Path, Question]]:
    """The file and the question of each of the rows of a queue, as `queue_items`, but nothing is asked."""
    questions: dict[Path, dict[str, Question]] = {}
    faults: dict[Path, str] = {}
    seen = set[str]()
    for number, row in rows:
        if row["item"] in seen:
            continue
        seen.add(row["item"])
        try:
            file = _file(folder, row["source"], asker.request.asks_about)
            if file not in questions:
                questions[file] = {}
                try:
                    for asked in asker.request.questions(file, asker.published):
                        questions[file][asked.item] = asked
                except (UserError, OSError) as error:  # of a part of the file; the rest can be asked about
                    faults[file] = reason(error)
            question = questions[file].get(row["item"])
            if question is None:
                changed = "it is not what it was when the queue was made; make the queue again"
                raise DataError(faults.get(file, changed))
            yield file, question
        except (UserError, OSError) as error:
            refuse(f"{path}:{number}: {one_line(row['source'], 80)}: {reason(error)}")


def read_rows(path: Path, needed: Sequence[str], also: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """The line and the values of each row of a queue, without space around them; of `also`, empty where it has none.

    Columns are divided by commas, or by semicolons, as spreadsheets write where a comma is the decimal mark.

    Raises:
        DataError: the file can't be read, or lacks a column.
    """
    try:
        text = read_bounded(path, _MOST_BYTES).decode("utf-8-sig", "surrogateescape")
    except TooLargeError as error:
        raise DataError(f"{path}: {reason(error)}; divide it") from None
    except OSError as error:
        raise DataError(
            f"label.file={path}: can't be read ({reason(error)}); name the queue.csv of task=queue"
        ) from error
    header = text.partition("\n")[0]
    mark = ";" if header.count(";") > header.count(",") else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=mark)
    try:
        lacking = [name for name in needed if name not in (rows.fieldnames or ())]
        if lacking:
            raise DataError(
                f"{path}: no column {', '.join(lacking)} (commas or semicolons divide columns); give the queue.csv that "
                "task=queue wrote"
            )
        for row in rows:
            yield rows.line_num, {name: (row.get(name) or "").strip() for name in (*needed, *also)}
    except csv.Error as error:
        raise DataError(f"{path}:{rows.line_num}: no CSV ({error})") from error


def _file(folder: Path, source: str, endings: Sequence[str]) -> Path:
    """The file of a source, which may name a place in it behind a colon. Raises DataError."""
    for name in (source, source.rpartition(":")[0]):
        file = folder / name
        if name and file.suffix.lower() in endings and "\0" not in name and file.is_file():
            if not inside(folder, file):
                raise DataError("it leads out of data.root")
            return file
    raise DataError("no such file in data.root; give the folder that the queue was made of")
