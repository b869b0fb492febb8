"""Hydra's door to the lab's sweeps. Hydra takes sweepers from this package alone, and imports it at every start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class LabSweeper(Sweeper):
    """Runs every combination of the values (`kmidi_lab.sweeps.grid`), or what Optuna proposes
    (`kmidi_lab.sweeps.study`).

    Args:
        params: further overrides by key, which may list values: `seed: 1,2,3`.
    """

    def __init__(self, params: DictConfig | None = None) -> None:
        self.params = params

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from hydra.core.plugins import Plugins

        self.config, self.hydra_context = config, hydra_context
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        from hydra.core.override_parser.overrides_parser import OverridesParser

        from kmidi_lab.sweeps import grid, space, study
        from kmidi_lab.sweeps.variants import Variants

        loader, config = self.hydra_context.config_loader, self.config
        folder = Path(config.hydra.sweep.dir)
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(config, folder / "multirun.yaml")

        def launch(words: list[list[str]], first: int) -> list[Any]:
            return [ended.return_value for ended in self.launcher.launch(words, initial_job_idx=first)]

        if config.sweep.name == "optuna":
            study.search(folder, arguments, config, launch)
            return
        if config.sweep.name == "grid":
            fixed, dimensions = space.searched(arguments, config.model.name, config.sweep.only)
            jobs = [[*fixed, *point] for point in space.grid(dimensions, config.sweep.points)]
        else:
            jobs = grid.combinations(arguments, self.params, OverridesParser.create(config_loader=loader))
        grid.sweep(folder, jobs, config.sweep, launch, Variants(lambda words: loader.load_sweep_config(config, words)))


ConfigStore.instance().store(
    group="hydra/sweeper",
    name="lab",
    node={"_target_": f"{__name__}.LabSweeper", "params": None},
    provider="kmidi_lab",
)
