"""What a golden file says beside its vectors: inputs without effect, the head's decodes, answers to random calls; and
the file from a waveform on.
"""

from __future__ import annotations

import hashlib

import numpy as np
import orjson

from kmidi_lab.audio.mel import RATE
from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import show
from kmidi_lab.export.proof.audio_golden import SCALE, verify_audio
from kmidi_lab.export.proof.golden import Worst, decoded
from kmidi_lab.export.proof.random_calls import answers
from kmidi_lab.export.proof.text_golden import verify_text
from kmidi_lab.text.table import Table
from kmidi_lab.verify.findings import AGAIN, Checks
from kmidi_lab.verify.golden import Golden
from kmidi_lab.verify.runs import TOLERANCE, RunnableFile


def check_statements(
    checks: Checks, name: str, data: bytes, golden: Golden, head: bytes | None, contract: Contract | None
) -> None:
    """Every slice is used unless the file says that it has no effect, and the head decodes what the file says.

    A file that says neither is of an earlier release.
    """
    with checks.guarded("golden", name, AGAIN):
        file = orjson.loads(data)
        if contract is not None and "no_effect" in file:
            names = [str(part).partition("[")[0] for part in file["no_effect"]]
            wrong = sorted(set(names) - {s.name for s in contract.inputs})
            checks.expect("golden", not wrong, f"{name}: no_effect names {show(wrong)}, no slices of the contract")
            silent = [s.name for s in contract.inputs if not golden.inputs[:, s.index].any() and s.name not in names]
            checks.expect("golden", not silent, f"{name}: {show(silent)} is zero in all inputs; {AGAIN}")
        if head is not None and "head_sha256" in file:
            same = hashlib.sha256(head).hexdigest() == file["head_sha256"]
            fault = f"{name}: was made with another head file than the one that is there; {AGAIN}"
            checks.expect("head", same, fault)
        if head is None or "decoded" not in file:
            return
        outputs = np.concatenate([golden.sequence[1], golden.typical[1]])
        arrays = decoded(orjson.loads(head), outputs)
        checks.expect("head", set(arrays) == set(file["decoded"]), f"{name}: decodes {show(list(file['decoded']))}")
        for matrix in set(arrays) & set(file["decoded"]):
            declared = np.array(file["decoded"][matrix], np.float32)
            same = declared.shape == arrays[matrix].shape and bool(
                np.allclose(declared, arrays[matrix], atol=TOLERANCE, rtol=1e-5)
            )
            checks.expect(
                "head",
                same,
                f"{name}: {matrix} of the head file decodes the outputs otherwise than `decoded` says; {AGAIN}",
            )


def check_title(checks: Checks, kind: str, name: str, data: bytes, contract: Contract) -> None:
    """A golden file from a waveform or from texts on is of this model, contract and size, as far as it says."""
    with checks.guarded(kind, name, AGAIN):
        file = orjson.loads(data)
        rights: dict[str, object] = {
            "id": contract.id, "contract_version": contract.version, "feature_version": contract.features,
            "input_size": contract.input_size, "output_size": contract.output_size,
        }  # fmt: skip
        if kind == "audio golden":
            rights |= {"sample_rate": RATE, "scale": SCALE}
        for key, right in rights.items():
            title = file.get(key)
            checks.expect(kind, title == right, f"{name}: {key} is {show(title)}, must be {show(right)}; {AGAIN}")


def check_audio(checks: Checks, name: str, data: bytes, files: list[RunnableFile]) -> None:
    """The frames are those of the samples, and each file answers to them as the golden file says."""
    for file in files:
        with checks.guarded("audio golden", f"{name} with {file.name}", AGAIN):
            verify_audio(data, file.model, TOLERANCE)
            checks.expect("audio golden", True, "")


def check_texts(
    checks: Checks, name: str, data: bytes, table_name: str, table: bytes, files: list[RunnableFile]
) -> None:
    """The vectors are those of the texts, and each file answers to them as the golden file says."""
    with checks.guarded("table", table_name, AGAIN):
        own = Table.read(table, table_name)
        checks.expect("table", True, "")
        for file in files:
            with checks.guarded("text golden", f"{name} with {file.name}", AGAIN):
                verify_text(data, own, file.model, TOLERANCE)
                checks.expect("text golden", True, "")


def check_random(checks: Checks, name: str, data: bytes, file: RunnableFile) -> None:
    """A file without a twin answers to random calls as its golden file says; one of an earlier release says nothing."""
    with checks.guarded("random", f"{name} with {file.name}", AGAIN):
        expected = orjson.loads(data).get("random")
        if expected is None or file.allowed is None:
            checks.note(
                "random", f"{name}: holds no answers to random calls, so {file.name} ran its golden vectors only"
            )
            return
        own = answers(file.model, file.allowed)
        if expected["input_checksum"] != own["input_checksum"]:
            checks.note("random", f"{name}: its random calls are drawn otherwise here, so they are not compared")
            return
        worst = Worst(own["answers"][:, None], np.array(expected["answers"], np.float32)[:, None])
        checks.expect(
            "random",
            worst.error <= TOLERANCE,
            f"{file.name} against the answers to random calls in {name}: off by {worst.error:.3g} at call {worst.call}; "
            f"tolerance {TOLERANCE:g}; {AGAIN}",
        )
