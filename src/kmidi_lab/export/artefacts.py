"""The files of one trained network, and their proof: each is read back and compared with the network."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf
from typing import Any

import numpy as np
import orjson
from torch import nn

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import ExportError
from kmidi_lab.export.cpp.emit import runtime_file
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.audio_golden import audio_golden, verify_audio
from kmidi_lab.export.proof.golden import golden_vectors, verify_golden
from kmidi_lab.export.proof.probes import contract_inputs, without_effect
from kmidi_lab.export.proof.random_calls import answers
from kmidi_lab.export.proof.text_golden import text_golden, verify_text
from kmidi_lab.export.rtneural.cpp_header import cpp_header
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.inference import outliers
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import Streaming, TorchModel, from_reset
from kmidi_lab.text.table import Table

_GOLDEN = 8


@dataclass(frozen=True)
class Artefacts:
    """What is written of a module.

    Args:
        contract: of the model.
        network: `[1, N]` to `[1, M]`, in the ONNX file.
        student: in the RTNeural file, where that holds another network.
        onnx: the ONNX file.
        rtneural: the RTNeural file; None where none is published.
        head: the file that decodes the outputs; None for a model without.
        table: of the front-end, for models that read texts.
        answers_random: the golden vectors hold random calls, too.
    """

    contract: Contract
    network: nn.Module
    student: nn.Module | None
    onnx: bytes
    rtneural: bytes | None
    head: bytes | None
    table: Table | None
    answers_random: bool

    @property
    def deployed(self) -> nn.Module:
        """What a plugin runs: the student, or the network itself."""
        return self.student or self.network

    @property
    def reader(self) -> RTNeuralModel | None:
        """Of the RTNeural file."""
        return None if self.rtneural is None else RTNeuralModel.from_bytes(self.rtneural)


def artefacts_of(
    module: LabModule, has_student: bool, withheld: bool, probes: np.ndarray, tolerance: float
) -> Artefacts:
    """Writes ONNX and RTNeural in memory.

    Args:
        module: at the weights to publish, with its student where it has one.
        has_student: one was distilled, whether it is published or not.
        withheld: the student is not good enough, so that there is no RTNeural file.
        probes: `[T, N]`, real inputs.
        tolerance: largest error of the network as it is exported against the trained one.

    Raises:
        ExportError: the network can't be exported, or is another one then.
    """
    network, student = module.export_network().cpu().eval(), None if withheld else module.student
    _check_rewrite(module.network, network, probes, tolerance)
    return Artefacts(
        module.contract,
        network,
        student,
        export_onnx(network, module.contract),
        None if withheld else export_rtneural(student or network, module.contract),
        _head_file(module),
        module.table(),
        # No second file holds the same network where there is a student, published or not.
        answers_random=has_student,
    )


def files_of(made: Artefacts, probes: np.ndarray, no_effect: list[str], cpp: str | None) -> dict[str, bytes]:
    """By name what is published of the networks, in the order that the registry lists it in.

    Args:
        made: with the files that hold the networks.
        probes: `[T, N]`, real inputs, which golden vectors are made of.
        no_effect: input slices that change no output of the deployed network.
        cpp: `kmw` or `header` adds the file of the C++ runtime.
    """
    contract, rtneural = made.contract, made.rtneural
    files = {
        f"{contract.id}.onnx": made.onnx,
        **({} if rtneural is None else {f"{contract.id}.json": rtneural}),
        f"{contract.id}_model.h": cpp_header(rtneural, contract).encode(),
        f"golden/{contract.id}.json": _golden(made, made.deployed, probes, no_effect),
    }
    if cpp is not None and rtneural is not None:
        name, content = runtime_file(rtneural, contract.id, cpp)
        files[name] = content
    if made.student is not None:
        teachers = without_effect(from_reset(made.network), contract.inputs)
        files[f"golden/{contract.id}.onnx.json"] = _golden(made, made.network, probes, teachers)
    if contract.listens:
        files[f"golden/{contract.id}.audio.json"] = audio_golden(TorchModel(made.deployed), contract)
    if made.table is not None:
        files[f"{contract.id}.table.bin"] = made.table.tobytes()
        files[f"golden/{contract.id}.text.json"] = text_golden(TorchModel(made.deployed), made.table, contract)
    return files


def verify_files(made: Artefacts, files: dict[str, bytes], tolerance: float) -> None:
    """Compares what the files answer with their golden vectors. Raises ExportError: one is further off than allowed."""
    contract, reader = made.contract, made.reader
    if reader is not None:
        verify_golden(files[f"golden/{contract.id}.json"], reader, tolerance)
    onnx_golden = f"golden/{contract.id}{'.onnx' if made.student is not None else ''}.json"
    verify_golden(files[onnx_golden], OnnxModel(made.onnx, f"{contract.id}.onnx"), tolerance)
    if contract.listens and reader is not None:
        verify_audio(files[f"golden/{contract.id}.audio.json"], reader, tolerance)
    if made.table is not None and reader is not None:
        verify_text(files[f"golden/{contract.id}.text.json"], made.table, reader, tolerance)


def receptive_field(network: nn.Module) -> int | None:
    """In calls; None where it has no end."""
    field = network.receptive_field() if isinstance(network, Streaming) else 1
    return None if isinf(field) else int(field)


def _head_file(module: LabModule) -> bytes | None:
    """What decodes the outputs and says which are unlike those of the training; None for a model with neither."""
    content: dict[str, Any] = {**module.head_layout(), **module.head()} if module.head() else {}
    if module.outliers is not None:
        content[outliers.KEY] = module.outliers.layout()
    return orjson.dumps({"version": 1, **content}, option=orjson.OPT_SERIALIZE_NUMPY) if content else None


def _golden(made: Artefacts, network: nn.Module, probes: np.ndarray, no_effect: list[str]) -> bytes:
    """Eight calls in a row; eight typical ones from all over the probes, and eight that use every slice."""
    typical = probes[np.linspace(_GOLDEN, len(probes) - 1, _GOLDEN).astype(int)]
    calls = np.concatenate([typical, contract_inputs(made.contract.inputs, _GOLDEN, 0)])
    model = TorchModel(network)
    random = answers(model, made.contract) if made.answers_random else None
    return golden_vectors(model, made.contract, calls, probes[:_GOLDEN], no_effect, made.head, random)


def _check_rewrite(network: nn.Module, rewritten: nn.Module, probes: np.ndarray, tolerance: float) -> None:
    error = float(np.abs(TorchModel(network).run(probes) - TorchModel(rewritten).run(probes)).max())
    if not error <= tolerance:
        raise ExportError(
            f"the network rewritten for export differs from the trained one by {error:.2e} (gate {tolerance:g})"
        )
