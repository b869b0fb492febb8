"""task=info: shows the model's contract."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.report.contracts_doc import contract_markdown


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    print(contract_markdown(CONTRACTS[cfg.model.name]))
