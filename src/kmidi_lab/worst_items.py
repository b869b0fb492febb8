"""Which test items a trained model is worst on, kept beside its run: a line each in the record, a picture each in
`worst/`.
"""

from __future__ import annotations

import logging
from pathlib import Path

from kmidi_lab.after_fit import numpy_call
from kmidi_lab.data import DataModule
from kmidi_lab.errors import FileError
from kmidi_lab.files import write_atomic
from kmidi_lab.nn.module import LabModule
from kmidi_lab.report.item_pictures import svg
from kmidi_lab.run_analysis import WorstItem
from kmidi_lab.run_record import RunRecord
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.scoring.items import Text, worst

FOLDER = "worst"
log = logging.getLogger(__name__)


def keep_worst(record: RunRecord, module: LabModule, evaluator: Evaluator, data: DataModule, folder: Path) -> None:
    """Asks the evaluator for the items of the test, and keeps the worst; none where it tells none.

    Args:
        record: gets a line for each.
        module: trained.
        evaluator: of the model.
        data: of the run.
        folder: of the run, for the pictures.

    Raises:
        FileError: the folder can't be written.
    """
    try:
        chosen = worst(evaluator.items(numpy_call(module.export_network()), module.head(), data, "test"))
        for number, item in enumerate(chosen, 1):
            figure = f"{FOLDER}/{number:02d}.svg"
            picture = item.picture()
            write_atomic(folder / figure, svg(picture, item.name).encode())
            record.analysis.worst.append(
                WorstItem(
                    item.name,
                    item.source,
                    float(item.loss),
                    int(item.events),
                    item.said,
                    figure,
                    isinstance(picture, Text),
                )
            )
    except FileError:
        raise
    except Exception:  # a picture that can't be drawn must not cost a finished run
        log.exception("the worst test items could not be kept")
