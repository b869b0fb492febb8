"""The epoch of a run that is kept as its best, and what training leaves."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from kmidi_lab import resume
from kmidi_lab.checkpoints import WholeCheckpoints
from kmidi_lab.errors import ConfigError, LabError, reason
from kmidi_lab.files import write_atomic
from kmidi_lab.targets import as_first_named

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FitResult:
    """What training leaves: the checkpoint of the best epoch, epochs trained, losses, and seconds; NaN where not known."""

    best: Path
    epochs: int
    train_loss: float
    val_loss: float
    seconds: float


class BestCheckpoint(ModelCheckpoint):
    """The epoch of least val/loss; a run that goes on from another takes over that one's best.

    It is taken over only where losses can be compared: `trained_on` describes what they depend on (JSON). `earlier` is
    the folder of the checkpoints that the run goes on from. Every checkpoint tells, in this callback's state, the
    training loss of its epoch (`train_loss`) and how long this run has trained by then (`seconds`). Where the run does not
    validate (`validates`), its last epoch is the best.
    """

    def __init__(self, folder: Path, trained_on: Any, earlier: Path | None = None, validates: bool = True) -> None:
        super().__init__(folder, "best", "val/loss", mode="min", enable_version_counter=False)
        self._trained_on = digest(trained_on)
        self._earlier, self._validates = earlier, validates
        self._began, self._train_loss = time.perf_counter(), math.nan
        self._trains = False

    @contextmanager
    def restoring(self, resumed: resume.ResumePoint | None) -> Iterator[None]:
        """Around a fit. Raises ConfigError: Lightning can't take up the optimiser and loops that `resumed` has kept."""
        try:
            yield
        except LabError:
            raise
        except Exception as error:
            if resumed is None or self._trains:
                raise
            raise ConfigError(
                f"trainer.resume={resumed.source}: its weights are whole, its optimiser or its loops are not "
                f"({reason(error)}); type model.init_from={resumed.path} to begin with its weights"
            ) from error

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._trains = True
        super().on_train_start(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        more = {"train_loss": self._train_loss, "seconds": time.perf_counter() - self._began}
        return {**super().state_dict(), "trained_on": self._trained_on, **more}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing of the checkpoint gone on from: the best one's own file says what it scored (see `setup`)."""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        self._began = time.perf_counter()
        if stage == "fit" and self._earlier is not None:
            self._take_over(self._earlier / resume.BEST, trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Before the checkpoints of this epoch are written: this callback is the first of them."""
        self._train_loss = float(trainer.callback_metrics.get("train/loss", math.nan))
        super().on_train_epoch_end(trainer, pl_module)

    def _take_over(self, there: Path, trainer: L.Trainer) -> None:
        checkpoint = resume.read(there)
        state = checkpoint["callbacks"].get(self.state_key) if checkpoint else None
        if checkpoint is None or state is None or state.get("best_model_score") is None:
            log.warning("%s can't be read: the best epoch before this run is not known", there)
            return
        if state.get("trained_on") != self._trained_on:
            log.warning("the best epoch of %s was trained with other data or settings, so its loss is ignored", there)
            return
        own = Path(str(self.dirpath), there.name)
        if trainer.is_global_zero:
            _copy(there, own)
        score = torch.tensor(float(state["best_model_score"]))
        self.best_model_path = self.kth_best_model_path = str(own)
        self.best_model_score = self.kth_value = score
        self.best_k_models = {str(own): score}
        log.info("best so far: val/loss %.4f after %d epochs of %s", score, checkpoint["epoch"] + 1, there)

    def fitted(self, trainer: L.Trainer) -> FitResult:
        """What the trainer has left after its last epoch.

        Raises:
            ConfigError: none was validated, so that none is the best.
        """
        if not self._validates:
            return self._last_as_best()
        if not self.best_model_path:
            raise ConfigError(
                "no epoch was validated, so none can be kept; leave out max_steps, fast_dev_run, limit_val_batches and "
                "check_val_every_n_epoch of +trainer, or train longer"
            )
        return FitResult(
            Path(self.best_model_path), int(trainer.current_epoch), self._train_loss,
            math.nan if self.best_model_score is None else float(self.best_model_score), time.perf_counter() - self._began,
        )  # fmt: skip

    def finished(self, resumed: resume.ResumePoint) -> FitResult:
        """What a run has left that had trained all its epochs when it was stopped; its checkpoints are copied here.

        Raises:
            ConfigError: it was trained on other data or settings than this one is to have.
        """
        last, best, folder = resumed.path, resumed.path.with_name(resume.BEST), Path(str(self.dirpath))
        if resume.read(best) is None:
            log.warning("%s can't be read: using the weights of the last epoch instead", best)
            best = last
        if not all(map(self.is_of_this, (last, best))):
            raise ConfigError(
                f"trainer.resume={resumed.source}: trained on other data or settings, so it can't be finished with these; "
                f"give them as they were, or train it on by trainer.max_epochs={resumed.epochs + 10}"
            )
        log.info("all %d epochs of %s are done: continuing with student, test and export", resumed.epochs, last)
        _copy(last, folder / resume.LAST)
        _copy(best, folder / resume.BEST)
        return self.left_by(folder / resume.BEST, folder / resume.LAST)

    def is_of_this(self, path: Path) -> bool:
        """Whether the losses of a checkpoint depend on the same data and settings as this run's."""
        return self._state(path).get("trained_on") == self._trained_on

    def take(self, checkpoint: dict[str, Any], loss: float) -> None:
        """Keeps other weights than those of an epoch as the best; `loss` is theirs."""
        score = None if math.isnan(loss) else torch.tensor(loss)
        own = {**checkpoint["callbacks"].get(self.state_key, {}), "best_model_score": score}
        kept = {**checkpoint, "callbacks": {**checkpoint["callbacks"], self.state_key: own}}
        WholeCheckpoints().save_checkpoint(kept, Path(str(self.dirpath), resume.BEST))

    def left_by(self, best: Path, last: Path) -> FitResult:
        """What two checkpoints say of the training that wrote them."""
        checkpoint = resume.read(last)
        assert checkpoint is not None, last
        state, score = self._state(last), self._state(best).get("best_model_score")
        return FitResult(
            best,
            checkpoint["epoch"] + 1,
            state.get("train_loss", math.nan),
            math.nan if score is None else float(score),
            state.get("seconds", math.nan),
        )

    def _last_as_best(self) -> FitResult:
        last, best = (Path(str(self.dirpath), name) for name in (resume.LAST, resume.BEST))
        _copy(last, best)
        return self.left_by(best, last)

    def _state(self, path: Path) -> dict[str, Any]:
        checkpoint = resume.read(path)
        return dict(checkpoint["callbacks"].get(self.state_key, {})) if checkpoint else {}


def _copy(source: Path, target: Path) -> None:
    if source.resolve() != target.resolve():
        write_atomic(target, source.read_bytes())


def digest(trained_on: Any) -> str:
    """What a checkpoint keeps of what its losses depend on."""
    return hashlib.sha256(json.dumps(as_first_named(trained_on), sort_keys=True, default=str).encode()).hexdigest()
