"""What a run says of itself before anything is trained: code, machine, settings, data and network."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from kmidi_lab import hardware, provenance, run_file
from kmidi_lab.data import PARTS, DataModule
from kmidi_lab.files import write_atomic
from kmidi_lab.nn.module import LabModule
from kmidi_lab.run_record import Code, DataDescription, Identity, Network, RunRecord
from kmidi_lab.wording import many

log = logging.getLogger(__name__)


def new_record(
    cfg: DictConfig, context: dict[str, Any], machine: hardware.Hardware, data: DataModule, module: LabModule
) -> RunRecord:
    commit, dirty = provenance.git_state()
    description = DataDescription.of(data.describe())
    description.settings = data.identity(OmegaConf.to_container(cfg.data, resolve=True))  # type: ignore[arg-type]
    if description.stand_in:
        log.warning("STAND-IN DATA: %s", description.stand_in)
    folder: Path = context["folder"]
    return RunRecord(
        Identity(
            run_id=f"{context['group']}-{folder.name}" if context["group"] else folder.name,
            model=cfg.model.name,
            id=module.contract.id,
            contract_version=module.contract.version,
            command=context["command"],
            overrides=list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else [],
            seed=cfg.seed,
            started_at=context["started"].isoformat(),
        ),
        code=Code(commit, dirty, provenance.code_fingerprint(), provenance.versions()),
        machine=provenance.machine_fingerprint(),
        hardware=machine.describe(),
        config=OmegaConf.to_container(cfg, resolve=True),  # type: ignore[arg-type]
        data=description,
        network=Network(module.parameter_count, module.architecture),
    )


def write_first(data: DataModule, record: RunRecord, folder: Path) -> None:
    """What a run that is stopped leaves: its settings, what it skipped, and the record as far as it is."""
    if run_file.is_first_rank():
        write_atomic(folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(record.config)).encode())
        data.write_problems(folder / "problems.csv")
        run_file.write(record, folder)


def counts(record: RunRecord) -> str:
    assert record.data
    return ", ".join(f"{split} {many(record.data.split[split]['songs'], 'song')}" for split in PARTS)
