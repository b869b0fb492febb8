"""sweep=optuna: Optuna proposes settings, the launcher runs them, the study keeps what came out of each.

The study lies in a database, so that it goes on after any kill, and several machines may work on one. A trial's number
names its job's folder.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from kmidi_lab.errors import UserError, first_line
from kmidi_lab.files import write_atomic
from kmidi_lab.overrides import quoted
from kmidi_lab.sweeps import kept, space, state
from kmidi_lab.sweeps.grid import Launch, in_folder
from kmidi_lab.sweeps.same_study import check_same

if TYPE_CHECKING:
    import optuna

log = logging.getLogger(__name__)
PRUNED = "pruned"
"""The attribute of a trial that its job has ended early."""
_FOLDER = "folder"
_RANDOM_TRIALS = 8
"""Trials before the sampler has enough to go by."""
_FIRST_TRIALS, _FIRST_EPOCHS = 5, 3
"""Trials and epochs before anything is pruned."""


def search(folder: Path, arguments: Sequence[str], cfg: DictConfig, launch: Launch) -> None:
    """Runs trials until the study has `sweep.trials`, tests the best, and draws what the study has shown.

    Args:
        folder: of the sweep.
        arguments: overrides; those with ranges are searched, beside those of conf/search.
        cfg: the config without them.
        launch: of the launcher.

    Raises:
        UserError: Optuna is not installed, its database can't be opened, the study in it was begun with other settings,
            or another process runs this sweep.
    """
    fixed, dimensions = space.searched(arguments, cfg.model.name, cfg.sweep.only)
    with kept.alone(folder):
        study = open_study(folder, cfg)
        check_same(study, cfg, dimensions, storage_of(folder, cfg))
        if not cfg.sweep.resume:
            kept.begin(folder, [])
        _Search(folder.resolve(), study, fixed, dimensions, cfg, launch).run()


def open_study(folder: Path, cfg: DictConfig) -> optuna.Study:
    """The study of that name in its database, made where there is none. Raises UserError."""
    try:
        import optuna
    except ImportError:
        raise UserError("sweep=optuna needs Optuna; type pip install 'kmidi_lab[search]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    try:
        study = optuna.create_study(
            storage=storage_of(folder, cfg),
            study_name=cfg.sweep.study,
            direction="minimize",
            pruner=pruner() if cfg.sweep.prune else optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
        # A study that goes on must not draw its first trials again, and machines that share one must not draw the same.
        seed = None if cfg.sweep.storage else cfg.seed + len(study.trials)
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_RANDOM_TRIALS, multivariate=True)
        return study
    except ImportError:
        raise UserError(
            f"sweep.storage={storage_of(folder, cfg)}: the Python driver of this database is not installed; for PostgreSQL "
            "type pip install 'kmidi_lab[postgres]'"
        ) from None
    except Exception as error:  # of the database's own driver
        raise UserError(
            f"sweep.storage={storage_of(folder, cfg)}: can't be opened ({first_line(error)}); type a URL such as "
            "sqlite:///study.db or postgresql://user@host/db"
        ) from None


def pruner() -> optuna.pruners.BasePruner:
    """Ends a trial whose best loss so far is above the median of the others' at the same epoch."""
    import optuna

    return optuna.pruners.MedianPruner(_FIRST_TRIALS, _FIRST_EPOCHS)


def storage_of(folder: Path, cfg: DictConfig) -> str:
    """The URL of the database."""
    return str(cfg.sweep.storage or f"sqlite:///{folder.resolve() / 'study.db'}")


class _Search:
    def __init__(
        self, folder: Path, study: optuna.Study, fixed: Sequence[str], dimensions: Sequence[space.Dimension],
        cfg: DictConfig, launch: Launch,
    ) -> None:  # fmt: skip
        self.folder, self.study, self.cfg, self.launch = folder, study, cfg, launch
        self.dimensions = {d.key: d for d in dimensions}
        storage = f"sweep.storage={quoted(storage_of(folder, cfg))}"
        self.fixed = [*(w for w in fixed if not w.startswith("sweep.storage=")), storage]

    def run(self) -> None:
        if not self.study.trials:
            self.study.enqueue_trial(self._as_it_is())
        self._go_on()
        while (rest := self.cfg.sweep.trials - self._begun()) > 0:
            numbers = []
            for _ in range(min(rest, self.cfg.sweep.parallel)):
                trial = self.study.ask(self._distributions())
                trial.set_user_attr(_FOLDER, str(self.folder))
                numbers.append(trial.number)
            self.launch([in_folder(self._words(n), n) for n in numbers], 0)
            self._tell(numbers)
        self._test_best()
        self._draw()

    def _go_on(self) -> None:
        """What was cut off with the process before: its jobs are done, or go on."""
        running = [
            t for t in self.study.trials if not t.state.is_finished() and t.user_attrs.get(_FOLDER) == str(self.folder)
        ]
        open_ones = [t.number for t in running if state.state_of(self._own(t.number)) in ("cut off", "waiting")]
        if open_ones:
            self.launch([in_folder(state.words_to_go_on(self._words(n), self._own(n)), n) for n in open_ones], 0)
        self._tell([t.number for t in running])

    def _tell(self, numbers: Sequence[int]) -> None:
        from optuna.trial import TrialState

        for number in numbers:
            record = state.record_of(self._own(number))
            objective = record.objective if record and record.identity.status == "ok" else None
            trial = self.study.trials[number]
            if objective is None:
                self.study.tell(number, state=TrialState.FAIL)
            elif trial.user_attrs.get(PRUNED):
                self.study.tell(number, state=TrialState.PRUNED)
            else:
                self.study.tell(number, objective.value)
            outcome = "failed" if objective is None else f"{objective.metric} {objective.value:.4f}"
            log.info("trial %d: %s%s", number, outcome, ", pruned" if trial.user_attrs.get(PRUNED) else "")

    def _test_best(self) -> None:
        try:
            best = self.study.best_trial
        except ValueError:
            log.warning("no trial has ended well, so there is none to test")
            return
        record = state.record_of(self._own(best.number))
        log.info("best: trial %d, val/loss %.4f; trial 0 is the settings as they were", best.number, best.value)
        where = best.user_attrs.get(_FOLDER)
        begun = kept.read(self.folder)
        begun.elsewhere = (
            "" if where == str(self.folder) else f"trial {best.number}, val/loss {best.value:.4f}, in {where}"
        )
        kept.write(begun, self.folder)
        if begun.elsewhere:
            log.info("it was run elsewhere, in %s, and is tested there", where)
        elif record and record.scores is None:
            words = state.words_to_test(self._words(best.number), self._own(best.number))
            self.launch([in_folder(words, best.number)], 0)

    def _draw(self) -> None:
        from kmidi_lab.sweeps.pictures import importance, parallel

        done = [t for t in self.study.trials if t.value is not None]
        if len(done) < 4 or len(self.dimensions) < 2:
            return
        for name, picture in (("importance.png", importance), ("parallel.png", parallel)):
            write_atomic(self.folder / name, picture(self.study))

    def _begun(self) -> int:
        from optuna.trial import TrialState

        return sum(trial.state != TrialState.WAITING for trial in self.study.trials)

    def _words(self, number: int) -> list[str]:
        params = self.study.trials[number].params
        varied = [
            f"{key}={self.dimensions[key].text(value)}" for key, value in params.items() if key in self.dimensions
        ]
        return [*self.fixed, *varied, f"sweep.trial={number}"]

    def _as_it_is(self) -> dict[str, Any]:
        """The settings without a search, as far as they are within its ranges."""
        values = {key: d.of(_plain(OmegaConf.select(self.cfg, key))) for key, d in self.dimensions.items()}
        return {key: value for key, value in values.items() if value is not None}

    def _own(self, number: int) -> Path:
        return self.folder / str(number)

    def _distributions(self) -> dict[str, Any]:
        return {key: _distribution(d) for key, d in self.dimensions.items()}


def _distribution(dimension: space.Dimension) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, space.Choice):
        return CategoricalDistribution(dimension.values)
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _plain(value: Any) -> Any:
    return list(value) if OmegaConf.is_list(value) else value
