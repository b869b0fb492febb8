"""Before training: do the model and the data speak of the same contract?"""

from __future__ import annotations

from typing import Any

from kmidi_lab.errors import HandshakeError
from kmidi_lab.nn.module import LabModule


def handshake(module: LabModule, data: Any) -> None:
    """Compares contract, feature version and vocabulary; raises HandshakeError that names the difference."""
    ours, theirs = module.contract, data.contract
    for what, a, b in (
        ("model", ours.model, theirs.model),
        ("model id", ours.id, theirs.id),
        ("contract version", ours.version, theirs.version),
        ("feature version", ours.features, theirs.features),
        ("input size", ours.input_size, theirs.input_size),
        ("output size", ours.output_size, theirs.output_size),
        ("vocabulary", tuple(module.vocabulary), tuple(data.vocabulary)),
    ):
        if a != b:
            raise HandshakeError(
                f"{type(module).__name__} and {type(data).__name__} don't fit: {what} is {a} in the model and {b} in the data"
            )
