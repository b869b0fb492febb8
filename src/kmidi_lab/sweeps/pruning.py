"""A trial of a search tells the study its loss after every epoch, and ends early where the study says so."""

from __future__ import annotations

import logging
from pathlib import Path

import lightning as L
from omegaconf import DictConfig

from kmidi_lab.sweeps.study import PRUNED, open_study

log = logging.getLogger(__name__)


class Pruning(L.Callback):
    """Reports `val/loss` of each epoch to the trial that the config names.

    Args:
        cfg: of the job; `sweep.trial` is the trial's number.

    Raises:
        UserError: the study can't be opened.
    """

    def __init__(self, cfg: DictConfig) -> None:
        import optuna

        study = open_study(Path(), cfg)
        storage = optuna.storages.get_storage(cfg.sweep.storage)
        own = storage.get_trial_id_from_study_id_trial_number(
            storage.get_study_id_from_name(cfg.sweep.study), cfg.sweep.trial
        )
        self._trial = optuna.Trial(study, own)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        loss = trainer.callback_metrics.get("val/loss")
        if loss is None or trainer.sanity_checking or not trainer.is_global_zero:
            return
        self._trial.report(float(loss), trainer.current_epoch)
        if self._trial.should_prune() and not trainer.should_stop:
            self._trial.set_user_attr(PRUNED, True)
            log.info("pruned after %d epochs: the median of the other trials is better", trainer.current_epoch + 1)
            trainer.should_stop = True
