"""What learning from feedback starts from: the released model as a network that can be trained, and its lessons."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from kmidi_lab import start_weights
from kmidi_lab.conf_dir import conf_dirs, models
from kmidi_lab.data import DataModule
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback.event import Event
from kmidi_lab.feedback.reading import read_lines
from kmidi_lab.feedback.store import FILE, Store
from kmidi_lab.feedback.store_file import is_store
from kmidi_lab.inference.listening import Listening
from kmidi_lab.inference.published import Published, example_root, load_published
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import TorchModel
from kmidi_lab.retraining.lessons import Lessons, read_lessons
from kmidi_lab.retraining.recordings import Recordings, hear
from kmidi_lab.retraining.sounds import SoundTraining
from kmidi_lab.retraining.training import FeedbackTraining
from kmidi_lab.streams import say
from kmidi_lab.targets import build, find
from kmidi_lab.wording import many

_SHOWN = 10


@dataclass(frozen=True)
class TrainableRelease:
    """A released model in `root`, as files and as a network, and how it learns."""

    root: Path
    published: Published
    module: LabModule
    training: FeedbackTraining

    @property
    def heard_all(self) -> bool:
        """Whether it has heard the frozen test, so that this tells of forgetting alone."""
        return start_weights.heard_all_of(self.published.entry)


def opened(cfg: DictConfig, root: Path) -> TrainableRelease:
    """The released model; `cfg.model.module` has its sizes then.

    Raises:
        ConfigError: the model can't learn from feedback, is not published there, or its weights can't be had.
    """
    name = cfg.model.name
    if cfg.model.feedback is None:
        taught = {
            m: said["model"]["feedback"]
            for m, said in models(conf_dirs()).items()
            if "feedback" in said.get("model", {})
        }
        able = sorted(m for m, how in taught.items() if cfg.task == "retrain" or not _hears(how, cfg.trusted))
        why = f": {cfg.model.no_feedback}" if cfg.model.no_feedback else ""
        raise ConfigError(f"model={name} can't learn from feedback{why}; allowed: {', '.join(able)}")
    training: FeedbackTraining = build(cfg.model.feedback, FeedbackTraining, cfg.trusted)
    published = load_published(root, name)
    if published is None:
        raise ConfigError(f"{name} is not published in {root}; train it first, or type {example_root(whole=True)}")
    take_sizes(cfg, training, published)
    module = build(cfg.model.module, LabModule, cfg.trusted)
    start_weights.load(module, str(root))
    return TrainableRelease(root, published, module.cpu().eval(), training)


def _hears(feedback: Mapping[str, Any], trusted: Sequence[str]) -> bool:
    """Whether a model's `model.feedback` needs recordings, so that task=adapt refuses it."""
    return issubclass(find(feedback["_target_"], FeedbackTraining, trusted), SoundTraining)


def take_sizes(cfg: DictConfig, training: FeedbackTraining, published: Published) -> None:
    """Gives `cfg.model.module` the sizes of a published network, whatever those of the config are."""
    OmegaConf.set_struct(cfg, False)
    cfg.model.module.update(training.module_settings(str(published.entry.get("arch_hint"))))


def recordings_of(
    model: TrainableRelease, cfg: DictConfig, events: Iterable[Event], again: Collection[str] | None
) -> Recordings | None:
    """The labelled recordings in `retrain.recordings`, heard; None for a model whose events hold its input.

    Args:
        model: that learns.
        cfg: all settings.
        events: whose recordings are looked for.
        again: SHA-256 of those that a retraining which goes on began with; no others are taken.

    Raises:
        ConfigError: no folder is named, or one that the model has no use for. DataError: it is not there, or what a
            retraining began with is not in it.
    """
    name, folder = model.published.contract.model, cfg.retrain.recordings
    if not isinstance(model.training, SoundTraining):
        if folder is not None:
            raise ConfigError(f"retrain.recordings={folder}: events of {name} hold what it is given; leave it out")
        return None
    if folder is None:
        raise ConfigError(
            f"task=retrain model={name} hears the recordings that were labelled, since events hold no sound; type "
            "retrain.recordings=FOLDER"
        )
    labelled = {event.item for event in events if event.model == name and event.label and event.item}
    wanted = labelled if again is None else labelled & {*again}
    request, refused = find(cfg.predict._target_, Listening, cfg.trusted), list[str]()
    found = hear(Path(folder), wanted, listening(model, model.training, request), refused.append)
    for line in refused[:_SHOWN]:
        say(f"left out: {line}")
    say(f"{len(found.heard)} of {many(len(labelled), 'labelled recording')} heard in {folder}, {len(refused)} can't be")
    if again is not None and (gone := len({*again} - {*found.heard})):
        raise DataError(
            f"retrain.recordings={folder}: {many(gone, 'recording')} that this retraining began with can't be found there "
            "or were changed since; put them back, or leave out trainer.resume to begin again"
        )
    return found


def listening(
    model: TrainableRelease, training: SoundTraining, request: type[Listening]
) -> Callable[[Path], NDArray[np.floating]]:
    """What hears a recording for a model, with the front-end of its contract, as `SoundTraining.heard`."""
    trunk = TorchModel(training.layers(model.module)[0])
    ear = replace(model.published, model=trunk)  # type: ignore[arg-type]  # has all that is asked of a model
    return lambda path: training.heard(request(path), ear, model.module)


def lessons_of(model: TrainableRelease, events: list[Event], recordings: Recordings | None = None) -> Lessons:
    """What the model can learn from events, and how many it can't, by reason.

    Args:
        model: that learns.
        events: of any model.
        recordings: as `recordings_of`.
    """
    entry, head, training = model.published.entry, model.module.head(), model.training
    hashes = {str(facts.get("sha256")) for facts in entry.get("files", {}).values()}
    hashes |= {str(value) for key, value in entry["exports"].items() if key.endswith("sha256")}
    return read_lessons(
        events,
        model.published.contract,
        hashes,
        lambda judged: training.answer(judged, head),
        lambda answers, liked, x: training.targets(answers, liked, training.outputs(model.module, x), head),
        training.REJECTIONS,
        recordings.input_of if recordings else None,
    )


def judged_by(
    model: TrainableRelease, data: DataModule, lessons: Lessons, recordings: Recordings | None
) -> NDArray[np.bool_]:
    """`[E]`: which lessons are of items by which the original data validate or test, so that they would tell the answers.

    Args:
        model: that learns.
        data: its original data.
        lessons: of the model.
        recordings: as `recordings_of`; they are known by their samples, all else by what the model is given.
    """
    if recordings is not None and isinstance(model.training, SoundTraining):
        return recordings.among(model.training.judges(data), lessons.x)
    return model.training.judging(lessons.x, model.published, data)


def events_of(named: str | None, output_root: Path) -> tuple[list[Event], int]:
    """(events, lines that are none) of a store, or of a file of events.

    Args:
        named: the store or file; None is the store in `output_root`.
        output_root: paths.output_root.

    Raises:
        DataError: not there, or it can't be read.
    """
    path = Path(named) if named else output_root / FILE
    if not path.is_file():
        raise DataError(f"{path}: no feedback there; name a store or a file of events")
    if is_store(path):
        return list(Store(path).events()), 0
    faults: list[str] = []
    events = list(read_lines(path, lambda number, why: faults.append(why)))
    return list({event.event: event for event in events}.values()), len(faults)
