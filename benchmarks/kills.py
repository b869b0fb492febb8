"""Random SIGKILLs: is anything half-written, is a finished result lost, does every resume end in the same files?

    TMPDIR=/dev/shm python benchmarks/kills.py --folder kills --seconds 3600

An undisturbed run makes the files to compare with. Then, trial after trial, one of seven kinds of work is begun and
killed with all its processes at a random moment, from its start to after its end:

    train    a training run, from the first batch to its report; it goes on by trainer.resume, or anew where nothing was kept
    resume   a run that has all its epochs goes on: student, test, export; it is begun again
    sweep    two of them, one after the other; each job goes on by the command that the lab prints
    prepare  reading data into the cache; it is begun again
    export   task=export of the undisturbed run; it is begun again
    publish  one version of a model after the other into one folder, as fast as that goes; the folder is read
    registry into production, out of it, back to an earlier version, and so on; the folder is read

A trial counts as a fault where a file that the lab writes is not whole (checkpoints by their checksums, published files
by their hashes, the rest by being read), where work that was reported as done is not there, where the models folder
does not verify, or where the files after going on are not the undisturbed run's, byte for byte. Hydra's own files in
`.hydra/` and the log are not looked at.

A trial forks this process, which has imported everything, so that it costs the work alone. Three models: harmony on
sixty chord charts, melody with its student on sixty chorales, and emotion on 48 sounds, all made here, two epochs of a
few batches. TMPDIR on another file system
than the folder shows what is written by way of the temporary folder. The lab's files must stay as they are meanwhile:
prepared data belong to the code that prepared them. Linux and macOS; with --each N, N trials of a kind, and 12 times as
many of publishing and of the registry, which cost nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import random
import resource
import shlex
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import soundfile
import torch
import yaml

import kmidi_lab.models.emotion.evaluation
import kmidi_lab.models.harmony.evaluation
import kmidi_lab.models.melody.evaluation
import kmidi_lab.tasks.export
import kmidi_lab.tasks.prepare
import kmidi_lab.tasks.train  # noqa: F401  imported here once, not in every trial
from datamodules.shared import stored
from kmidi_lab import go_on, run_file
from kmidi_lab.__main__ import main
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import LabError, UserError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.registry.entry import sha256
from kmidi_lab.registry.files import read_files
from kmidi_lab.registry.history import demote, promote, rollback
from kmidi_lab.registry.registry import load_registry, publish
from kmidi_lab.report.svg import to_svg
from kmidi_lab.resume import is_whole
from kmidi_lab.verify.folder import verify_folder

_SMALL = (
    "preset=smoke", "hardware=cpu", "trainer.max_epochs=2", "trainer.limit_train_batches=4", "trainer.progress=false",
    "data.progress=false", "export.calls=1",
)  # fmt: skip
MODELS = {
    "harmony": ("data.sources=[jazz_standards]", "model.module.hidden=[16,16]"),
    "melody": (
        "data.sources=[jsb_chorales]", "data.windows_per_epoch=16", "data.batch_size=4", "data.window=32",
        "model.module.size=16", "model.module.heads=2", "model.module.layers=1", "model.module.window=16",
        "model.module.memory=16", "model.module.student_size=8", "model.module.student_epochs=1",
    ),
    "emotion": (
        "data.sources=[ravdess]", "data.folds=3", "data.val_speakers=1", "data.augment.variants=0", "data.frames=32",
        "model.module.channels=16", "model.module.dilations=[2,4]", "model.module.cepstra=16",
    ),
}  # fmt: skip
KINDS = ("train", "resume", "sweep", "prepare", "export", "publish", "registry")
_QUICK = ("publish", "registry")
_TOO_LONG_S, _CHEAP = 600.0, 12


class Lab:
    """A model, its data, and what undisturbed work of its `kinds` has left in `base`."""

    def __init__(self, model: str, base: Path, kinds: list[str]) -> None:
        self.model, self.base, self.id = model, base, CONTRACTS[model].id
        self.settings = (
            f"model={model}", *_SMALL, *MODELS[model], f"paths.data_root={base / 'data'}", f"paths.cache_dir={base / 'cache'}",
        )  # fmt: skip
        _DATA[model](base / "data")
        self.seconds: dict[str, float] = {}
        for kind in (kind for kind in KINDS if kind in ("train", *kinds)):  # what is exported has been trained
            began = time.monotonic()
            code = wait(self.begin(kind, base / "undisturbed" / kind))
            self.seconds[kind] = time.monotonic() - began
            assert code == 0, f"the undisturbed {kind} ended with {code}"
        self.seconds |= dict.fromkeys(_QUICK, 0.3)

    def begin(self, kind: str, folder: Path) -> int:
        """Starts a kind of work in a folder of its own; returns the process."""
        quick = {"publish": partial(self._publish, folder, 3), "registry": partial(self._change, folder, 3)}
        return forked(folder, quick.get(kind) or (lambda: main(self.words(kind, folder))))

    def words(self, kind: str, folder: Path | None = None) -> list[str]:
        """The command line of a kind of work; what is resumed is copied into `folder` first."""
        run = next((self.base / "undisturbed/train/outputs/runs" / self.model).glob("*"), None)
        copy = folder / "finished" if folder and run else None
        if kind == "resume" and copy and run and not copy.exists():
            shutil.copytree(run, copy)
            (copy / "run.json").unlink()  # as a run that was killed behind its last epoch
        more = {
            "train": ["seed=1"],
            "resume": ["seed=1", f"trainer.resume={copy}"],
            "sweep": ["-m", "seed=1,2", "models_root=models/${seed}"],
            "prepare": ["task=prepare"],
            "export": ["task=export", f"export.source={run}"],
        }
        settings = list(self.settings)
        if kind == "prepare":  # into a cache of its own, where the kill leaves it
            settings = [word for word in settings if not word.startswith("paths.cache_dir=")] + [
                "paths.cache_dir=cache"
            ]
        return [*settings, *more[kind]]

    def published(self, root: Path) -> dict[str, bytes]:
        """The artefacts in a models folder that depend on no clock."""
        names = (f"{self.id}.onnx", f"{self.id}.json", f"{self.id}_model.h", f"{self.id}.head.json")
        paths = [*(root / name for name in names), *sorted((root / "golden").glob("*.json"))]
        return {path.name: path.read_bytes() for path in paths if path.is_file()}

    def _publish(self, folder: Path, most: int | None = None) -> int:
        """Publishes versions 1, 2, … of the undisturbed run's model; each is told in a file when it is done."""
        root = self.base / "undisturbed/train/outputs/models"
        [entry] = json.loads((root / "registry.json").read_bytes())["models"]
        entry = {key: value for key, value in entry.items() if key not in ("history", "onnx_path")}
        files, version = read_files(root, entry), 0
        with (folder / "done").open("ab", buffering=0) as done:
            while most is None or version < most:
                version += 1
                card = files[f"{self.id}.card.md"].replace(entry["training"]["run_id"].encode(), str(version).encode())
                facts = {**entry["files"], f"{self.id}.card.md": {"sha256": sha256(card), "bytes": len(card)}}
                own = {**entry, "training": {**entry["training"], "run_id": str(version)}, "files": facts}
                publish(folder / "models", own, {**files, f"{self.id}.card.md": card})
                done.write(f"{version}\n".encode())
        return 0

    def _change(self, folder: Path, most: int | None = None) -> int:
        """Versions of a model into production, out of it and back."""
        root, turn = folder / "models", 0
        self._publish(folder, 2)
        while most is None or turn < most:
            turn += 1
            for step in (promote, demote, partial(rollback, version=None)):
                with contextlib.suppress(UserError):  # a model that its baselines beat does not go into production
                    step(root, self.id, reason=f"turn {turn}")
        return 0

    def trial(self, kind: str, folder: Path, rng: random.Random) -> tuple[str, list[str]]:
        """(where the kill fell, what is wrong after it and after going on)."""
        endless = {"publish": partial(self._publish, folder), "registry": partial(self._change, folder)}
        process = forked(folder, endless[kind]) if kind in endless else self.begin(kind, folder)
        time.sleep(rng.uniform(0, 1.05 * self.seconds[kind]))
        if os.waitpid(process, os.WNOHANG)[0] == 0:
            kill(process)
        where, faults = stage(folder), half_written(folder)
        faults += getattr(self, f"_after_{kind}")(folder)
        for root in {path.parent for path in folder.rglob("registry.json") if ".staging" not in path.parts}:
            faults += [f"verify: {f.subject}: {f.message}" for f in verify_folder(root, None).faults]
        return where, [f"{kind} of {self.model} killed {where}: {fault}" for fault in faults]

    def _after_train(self, folder: Path) -> list[str]:
        run = next(iter((folder / "outputs/runs" / self.model).glob("*")), None)
        kept = run is not None and any((run / "checkpoints").glob("*.ckpt"))
        done = run is not None and is_done(run)
        before = self.published(folder / "outputs/models") if done else {}
        more = [f"trainer.resume={run}"] if kept else []
        code = wait(forked(folder, lambda: main([*self.words("train"), *more])))
        expected = self.published(self.base / "undisturbed/train/outputs/models")
        faults = ["a finished result was lost"] if done and before != expected else []
        return faults + self._compare(code, folder / "outputs/models", expected)

    def _after_resume(self, folder: Path) -> list[str]:
        code = wait(self.begin("resume", folder))
        expected = self.published(self.base / "undisturbed/resume/outputs/models")
        return self._compare(code, folder / "outputs/models", expected)

    def _after_sweep(self, folder: Path) -> list[str]:
        sweep = next(iter((folder / "outputs/sweeps").glob("*")), folder)
        jobs = [[*self.settings, f"seed={seed}", "models_root=models/${seed}"] for seed in (1, 2)]
        begun = {str(json_of(path).get("identity", {}).get("seed")) for path in sweep.glob("*/run.json")}
        codes = []
        for line in go_on.rest_of_sweep(sweep, [job for job in jobs if job[-2].removeprefix("seed=") not in begun]):
            words = shlex.split(line.split(": ", 1)[1])
            codes.append(wait(forked(folder, lambda words=words: main(words[words.index("kmidi_lab") + 1 :]))))
        faults = [f"going on with a job ended with {code}" for code in codes if code]
        for seed in ("1", "2"):
            expected = self.published(self.base / "undisturbed/sweep/models" / seed)
            faults += self._compare(0, folder / "models" / seed, expected)
        return faults

    def _after_prepare(self, folder: Path) -> list[str]:
        code = wait(self.begin("prepare", folder))
        made, expected = (prepared(base / "cache") for base in (folder, self.base / "undisturbed/prepare"))
        return [] if code == 0 and made == expected else [f"preparing again gave other data (exit code {code})"]

    def _after_export(self, folder: Path) -> list[str]:
        code = wait(self.begin("export", folder))
        expected = self.published(self.base / "undisturbed/train/outputs/models")
        return self._compare(code, folder / "outputs/models", expected)

    def _after_publish(self, folder: Path) -> list[str]:
        told = (folder / "done").read_text().split() if (folder / "done").is_file() else []
        entries = load_registry(folder / "models")["models"] if (folder / "models").is_dir() else []
        there, done = (int(entries[0]["training"]["run_id"]) if entries else 0), int(told[-1]) if told else 0
        return [] if there in (done, done + 1) else [f"version {done} was published and {there} is there"]

    def _after_registry(self, folder: Path) -> list[str]:
        told = (folder / "done").read_text().split() if (folder / "done").is_file() else []
        entries = load_registry(folder / "models")["models"] if (folder / "models").is_dir() else []
        return [] if entries or not told else ["the model is gone"]

    def _compare(self, code: int, root: Path, expected: dict[str, bytes]) -> list[str]:
        if code:
            return [f"going on ended with {code}"]
        other = sorted(name for name, data in expected.items() if self.published(root).get(name) != data)
        return [f"{', '.join(other)} differ from the undisturbed run's"] if other or not expected else []


def warm_up() -> None:
    """Does once what every trial would spend its time on: imports inside functions, fonts, the exporter's tables."""
    for name in ("sklearn.svm", "jinja2", "rich.table"):
        import_module(name)
    figure = import_module("matplotlib.pyplot").figure()
    figure.gca().set_title("x")
    to_svg(figure, "x", "x")
    onnx = export_onnx(torch.nn.Sequential(torch.nn.Linear(128, 64)).eval(), CONTRACTS["harmony"])
    assert onnx


def forked(folder: Path, work: Callable[[], int]) -> int:
    """A process of its own group that does the work in `folder` and writes what it says into said.txt there."""
    folder.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    code = 99
    with contextlib.suppress(BaseException):
        os.setsid()
        os.chdir(folder)
        said = Path("said.txt").open("a", encoding="utf-8")  # noqa: SIM115  until the process ends
        for stream in (1, 2):
            os.dup2(said.fileno(), stream)
        sys.stdout = sys.stderr = said
        code = work()
        said.flush()
    os._exit(code)


def wait(process: int) -> int:
    """Its exit code; one that hangs is ended and counts as failed."""
    until = time.monotonic() + _TOO_LONG_S
    while time.monotonic() < until:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    kill(process)
    return -1


def kill(process: int) -> None:
    """With all that it has started; in its first moment it has no group of its own."""
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def half_written(folder: Path) -> list[str]:
    """What is not whole of the files that the lab writes."""
    faults = []
    for path in (p for p in folder.rglob("*") if p.is_file() and not {".hydra", ".staging"} & set(p.parts)):
        try:
            _WHOLE.get(path.name, _WHOLE.get(path.suffix, lambda p: None))(path)
        except (LabError, ValueError, KeyError, AssertionError, yaml.YAMLError) as error:
            faults.append(f"{path.relative_to(folder)} is not whole ({' '.join(str(error).split())[:200]})")
    return faults


def _registry(path: Path) -> None:
    for entry in load_registry(path.parent)["models"]:
        read_files(path.parent, entry)


def _table(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))
    assert text.endswith("\n") and len({len(row) for row in rows}) == 1, "a cut line"


def _true(found: bool, why: str) -> None:
    assert found, why


_WHOLE: dict[str, Callable[[Path], object]] = {
    "registry.json": _registry,
    "run.json": run_file.read,
    "config.yaml": lambda p: _true(bool(yaml.safe_load(p.read_text(encoding="utf-8"))), "empty"),
    "report.html": lambda p: _true(p.read_text(encoding="utf-8").rstrip().endswith("</html>"), "cut"),
    "metrics.csv": _table,
    ".ckpt": lambda p: _true(is_whole(p), "checksum"),
    ".prepared": stored.read,
}


def stage(folder: Path) -> str:
    """How far the work had come."""
    if any(is_done(path.parent) for path in folder.rglob("run.json")):
        return "after a job's end"
    if any(folder.rglob("registry.json")):
        return "after publishing"
    if any(folder.rglob(".staging")):
        return "while it published"
    epochs = [len(path.read_text().splitlines()) for path in folder.rglob("metrics.csv")]
    if any(folder.rglob("last.ckpt")):
        said = "".join(path.read_text(errors="replace") for path in folder.rglob("said.txt"))
        later = {"parity:": "while it exported", "student": "while it distilled or tested"}
        late = next((where for word, where in later.items() if word in said), "after its last epoch")
        return late if max(epochs, default=0) > 4 else "between epochs"
    return "before its first checkpoint"


def is_done(run: Path) -> bool:
    """Whether a run has reported that it ended well."""
    return json_of(run / "run.json").get("identity", {}).get("status") == "ok"


def json_of(path: Path) -> dict[str, dict[str, object]]:
    """The object in a file; an empty one where there is none."""
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return {}


def prepared(cache: Path) -> dict[str, bytes]:
    """Prepared data by name."""
    return {p.name: p.read_bytes() for p in sorted(cache.rglob("*.prepared"))}


def _charts(root: Path) -> None:
    rng = random.Random(0)
    chords = (
        "Am7,D7",
        "Bbmaj7,Eb7",
        "Dm7,Db7",
        "Abmaj7",
        "Am7b5,D7b9",
        "Fm7,Bb7",
        "Em7b5,A7",
        "Bm7b5,E7",
        "Gm7,C7",
        "Fmaj7",
    )
    charts = []
    for i in range(60):
        bars = "|".join(rng.choice(chords) for _ in range(12))
        charts.append(
            {"Title": f"Chart {i}", "Key": "F", "Sections": [{"Label": "A", "MainSegment": {"Chords": bars}}]}
        )
    (root / "jazz_standards").mkdir(parents=True, exist_ok=True)
    (root / "jazz_standards" / "JazzStandards.json").write_text(json.dumps(charts), encoding="utf-8")


def _chorales(root: Path) -> None:
    rng = random.Random(0)
    songs = []
    for _ in range(60):
        tops = [rng.choice((60, 62, 64, 65, 67, 69, 71, 72)) for _ in range(32)]
        songs.append([[top, top - 5, top - 12, top - 24] for top in tops for _ in range(4)])
    content = {"train": songs[:44], "valid": songs[44:52], "test": songs[52:]}
    (root / "jsb_chorales").mkdir(parents=True, exist_ok=True)
    (root / "jsb_chorales" / "jsb-chorales-16th.json").write_text(json.dumps(content), encoding="utf-8")


def _sounds(root: Path) -> None:
    rng, seconds = np.random.default_rng(0), np.arange(16_000) / 16_000
    for actor in range(1, 7):
        for emotion in range(1, 9):
            tone = 0.3 * np.sin(2 * np.pi * (90 * emotion + 10 * actor) * seconds) + 0.02 * rng.standard_normal(16_000)
            path = root / "ravdess" / f"Actor_{actor:02d}" / f"03-01-{emotion:02d}-01-01-01-{actor:02d}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, tone, 16_000)


_DATA = {"harmony": _charts, "melody": _chorales, "emotion": _sounds}


def trials(
    labs: list[Lab], kinds: list[str], each: int | None, seed: int
) -> Iterator[tuple[Lab, str, int, random.Random]]:
    """Every kind of every model in turn, without an end or `each` times."""
    number = 0
    while each is None or number < each:
        for lab, kind in ((lab, kind) for lab in labs for kind in kinds):
            for part in range(_CHEAP if kind in _QUICK else 1):
                yield lab, kind, number * _CHEAP + part, random.Random(f"{seed} {lab.model} {kind} {number} {part}")
        number += 1


def run(folder: Path, models: list[str], kinds: list[str], each: int | None, seconds: float, seed: int) -> list[str]:
    """Runs trials until time or number is up; prints the counts as they grow. Returns the faults."""
    warm_up()
    labs = [Lab(model, folder.resolve() / model, kinds) for model in models]
    for lab in labs:
        print(f"{lab.model}: " + ", ".join(f"{kind} {took:.1f} s" for kind, took in lab.seconds.items()), flush=True)
    counted: Counter[tuple[str, str, str]] = Counter()
    faults: list[str] = []
    until = time.monotonic() + seconds
    for lab, kind, number, rng in trials(labs, kinds, each, seed):
        if time.monotonic() > until:
            break
        own = lab.base / "trials" / f"{kind}-{number}"
        where, wrong = lab.trial(kind, own, rng)
        counted[lab.model, kind, where] += 1
        faults += wrong
        for fault in wrong:
            print(f"FAULT {fault} (kept in {own})", flush=True)
        if not wrong:
            shutil.rmtree(own)
        if sum(counted.values()) % 50 == 0:
            print(f"{sum(counted.values())} kills, {len(faults)} faults", flush=True)
    for (model, kind, where), count in sorted(counted.items()):
        print(f"{count:5d}  {kind} of {model}, killed {where}")
    cpu = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(f"{sum(counted.values())} kills, {len(faults)} faults, {cpu / 60:.0f} minutes of CPU")
    return faults


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="made anew; faults are kept there")
    parser.add_argument("--models", nargs="+", choices=sorted(MODELS), default=list(MODELS))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--each", type=int, help="trials of every kind and model; without it until the time is up")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    shutil.rmtree(asked.folder, ignore_errors=True)
    sys.exit(bool(run(asked.folder, asked.models, asked.kinds, asked.each, asked.seconds, asked.seed)))
