"""The contracts of all models, by name; each stands in its model's room (`models/<m>/contract.py`).

A contract is the only place where a size or an index of a model's input or output is written down: data modules,
networks, exporters, cards and the documentation read it. It imports nothing heavy, so that `--help` can use it. One
that has changed keeps its earlier versions (`Contract.earlier`), for models that were made for them.
"""

from __future__ import annotations

from types import MappingProxyType

from kmidi_lab.contract_types import Contract as Contract
from kmidi_lab.contract_types import Slice as Slice
from kmidi_lab.contract_types import Values as Values
from kmidi_lab.errors import ConfigError
from kmidi_lab.models.dynamics.contract import DYNAMICS as DYNAMICS
from kmidi_lab.models.emotion.contract import EMOTION as EMOTION
from kmidi_lab.models.emotion_node.contract import EMOTION_NODE as EMOTION_NODE
from kmidi_lab.models.feel.contract import FEEL as FEEL
from kmidi_lab.models.groove.contract import GROOVE as GROOVE
from kmidi_lab.models.harmony.contract import HARMONY as HARMONY
from kmidi_lab.models.instrument.contract import INSTRUMENT as INSTRUMENT
from kmidi_lab.models.intent.contract import INTENT as INTENT
from kmidi_lab.models.melody.contract import MELODY as MELODY
from kmidi_lab.models.microtiming.contract import MICROTIMING as MICROTIMING
from kmidi_lab.models.structure.contract import STRUCTURE as STRUCTURE

READER_OUTPUT_LIMIT = 128
"""KmiDi's inference service keeps this many floats of an output; wide models put the rest last."""

_BY_MODEL = {
    c.model: c
    for c in (
        HARMONY,
        EMOTION,
        MELODY,
        GROOVE,
        DYNAMICS,
        INSTRUMENT,
        EMOTION_NODE,
        STRUCTURE,
        INTENT,
        FEEL,
        MICROTIMING,
    )
}
CONTRACTS = MappingProxyType(_BY_MODEL)
"""Every contract by model name, in training priority; behind the lab's own those that `register` added."""


def register(contract: Contract) -> None:
    """Adds the contract of a model that another package brings, for as long as this process runs.

    Args:
        contract: to add; one that is there already changes nothing.

    Raises:
        ConfigError: another contract has its model name or its id.
    """
    for other in CONTRACTS.values():
        if other != contract and (other.model == contract.model or other.id == contract.id):
            raise ConfigError(
                f"the contract of {contract.model} ({contract.id}) has a name or an id that {other.model} ({other.id}) "
                "has; give it others"
            )
    _BY_MODEL[contract.model] = contract
