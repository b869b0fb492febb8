"""Texts, their vectors and what a reading model says to them: `golden/<id>.text.json`.

So that whoever writes the front-end anew can check each step. `pieces` and `rows` are those of the first texts; `vectors` are
those of `feature_version` with the table beside the model; `coverage` is the share of words that the table knows.
"""

from __future__ import annotations

import numpy as np
import orjson

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import ExportError, RegistryError
from kmidi_lab.export.proof.golden import Model, Worst, beginning, called, checksum
from kmidi_lab.text.pieces import pieces, rows
from kmidi_lab.text.table import Table

TEXTS = (
    "happy",
    "I'm not happy at all.",
    "I’m SOOOO happy!!! 😀",
    "",
    "?!",
    "It’s a café by the sea – naïve, ÉTÉ, über",
    "I'm feeling lost and searching",
    "qwrtz xkcd vbnmq 12345",
    "мне грустно 我很难过",
    "never ever, ever again; nothing works and nobody cares",
)
_SPELLED = 3
_EXACT = 1e-6


def text_golden(model: Model, table: Table, contract: Contract) -> bytes:
    """Calls the model and returns the file's bytes.

    Args:
        model: `[128]` to `[M]`.
        table: beside the model.
        contract: of a reading model.

    Raises:
        ExportError: an output is not finite or of another size.
    """
    vectors = table.vectors(TEXTS)
    outputs = called(model, vectors, reset_each=True)
    file = beginning(contract, outputs, len(TEXTS)) | {
        "input_checksum": checksum(vectors),
        "output_checksum": checksum(outputs),
        "texts": TEXTS,
        "pieces": [pieces(text) for text in TEXTS[:_SPELLED]],
        "rows": [rows(text) for text in TEXTS[:_SPELLED]],
        "coverage": [table.coverage(text) for text in TEXTS],
        "vectors": vectors,
        "outputs": outputs,
    }
    return orjson.dumps(file, option=orjson.OPT_SERIALIZE_NUMPY)


def verify_text(data: bytes, table: Table, model: Model, tolerance: float) -> float:
    """Makes the vectors of such a file anew, replays them and returns the largest error.

    Raises:
        RegistryError: the file is broken, its checksums do not match, or its vectors are not those of its texts.
        ExportError: an output is NaN or off by more than the tolerance.
    """
    try:
        file = orjson.loads(data)
        texts, name = [str(text) for text in file["texts"]], str(file["id"])
        vectors, outputs = (np.array(file[side], np.float32) for side in ("vectors", "outputs"))
        coverage = np.array(file["coverage"], np.float64)
        checksums = (file["input_checksum"], file["output_checksum"])
        spelled = list(zip(texts[: len(file["pieces"])], file["pieces"], file["rows"], strict=True))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise RegistryError(f"text golden file is broken: {error!r}; export the model again") from error
    if checksums != (checksum(vectors), checksum(outputs)):
        raise RegistryError(f"{name}: text golden vectors do not match their checksums; export the model again")
    own, known = table.vectors(texts), np.array([table.coverage(text) for text in texts])
    if own.shape != vectors.shape or not np.abs(own - vectors).max(initial=0) <= _EXACT:
        raise RegistryError(f"{name}: the vectors are not those of the texts; export the model again")
    spelled_right = all(pieces(text) == parts and rows(text) == at for text, parts, at in spelled)
    if not spelled_right or known.shape != coverage.shape or not np.abs(known - coverage).max(initial=0) <= _EXACT:
        raise RegistryError(f"{name}: pieces, rows or coverage are not those of the texts; export the model again")
    worst = Worst(called(model, vectors, reset_each=True), outputs)
    if not worst.error <= tolerance:
        raise ExportError(f"{name}: text {worst.call} is off by {worst.error:.3g}, tolerance {tolerance:g}")
    return worst.error
