"""What a sweep does when it begins and when it goes on, with a launcher that writes records and trains nothing."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from filelock import FileLock
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from support.sample_run import sample_run

from kmidi_lab import cli, go_on, run_file
from kmidi_lab.errors import ConfigError
from kmidi_lab.report.leaderboard import leaderboard
from kmidi_lab.sweeps import grid, kept, state

JOBS = [["model=harmony", f"a={value}"] for value in (1, 2, 3)]
LOSS = {"a=1": 3.0, "a=2": 1.0, "a=3": 2.0}


class Launcher:
    """Keeps what it was asked for; leaves of each job what `ends` says, a status and an error."""

    def __init__(self, folder: Path, ends: dict[int, tuple[str, str | None]] | None = None) -> None:
        self.folder, self.ends, self.asked = folder, ends or {}, list[list[str]]()

    def __call__(self, jobs: list[list[str]], first: int) -> None:
        for words in jobs:
            self.asked.append(words)
            number = int(words[-1].removeprefix("hydra.sweep.subdir="))
            run = sample_run()
            run.identity.status, run.identity.error = self.ends.get(number, ("ok", None))
            run.config, run.training.val_loss = {"a": number}, LOSS[words[1]]
            if "sweep.test=all" not in words:
                run.scores = None
            own = self.folder / str(number)
            (own / "checkpoints").mkdir(parents=True, exist_ok=True)
            (own / "checkpoints" / "last.ckpt").touch()
            run_file.write(run, own)


def settings(**more: object) -> DictConfig:
    return OmegaConf.create({"resume": None, "retry_failed": False, "test": "chosen", **more})


def config_of(words: list[str]) -> DictConfig:
    return OmegaConf.create({"a": int(words[1][2:]) - 1, "hydra": {}})


@pytest.fixture(autouse=True)
def command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMIDI_RUN_ID", "id")
    monkeypatch.setenv("KMIDI_COMMAND", shlex.join(["python", "-m", "kmidi_lab", "-m", "a=1,2,3"]))


def test_every_job_is_run_and_the_chosen_one_goes_on_to_its_test(tmp_path: Path) -> None:
    launch = Launcher(tmp_path)
    grid.sweep(tmp_path, JOBS, settings(), launch, config_of)
    assert [words[:2] for words in launch.asked] == [*JOBS, JOBS[1]]
    assert launch.asked[-1][2:] == ["sweep.test=all", f"trainer.resume='{tmp_path / '1'}'", "hydra.sweep.subdir=1"]
    begun = kept.read(tmp_path)
    assert (begun.id, begun.words, begun.jobs) == ("id", ["-m", "a=1,2,3"], JOBS)


def test_a_chosen_job_that_fails_in_its_test_is_not_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class FailsInTest(Launcher):
        def __call__(self, jobs: list[list[str]], first: int) -> None:
            self.ends = {1: ("failed", "disk full")} if "sweep.test=all" in jobs[0] else {}
            super().__call__(jobs, first)

    grid.sweep(tmp_path, JOBS, settings(), FailsInTest(tmp_path), config_of)
    assert kept.read(tmp_path).chosen == [1]
    launch = Launcher(tmp_path)
    grid.sweep(tmp_path, [], settings(resume=str(tmp_path)), launch, config_of)
    assert not launch.asked and "chosen by validation, but failed: job 1" in caplog.text
    assert "Chosen by validation: job 1." in leaderboard(tmp_path)[0]
    grid.sweep(tmp_path, [], settings(resume=str(tmp_path), retry_failed=True), launch, config_of)
    assert [words[1] for words in launch.asked] == ["a=2", "a=2"] and "sweep.test=all" in launch.asked[1]


def test_a_setting_that_is_trained_later_may_still_be_chosen(tmp_path: Path) -> None:
    grid.sweep(tmp_path, JOBS, settings(), Launcher(tmp_path, {1: ("failed", "out of memory")}), config_of)
    assert kept.read(tmp_path).chosen == [2]
    grid.sweep(tmp_path, [], settings(resume=str(tmp_path), retry_failed=True), Launcher(tmp_path), config_of)
    assert kept.read(tmp_path).chosen == [1]


def test_with_test_all_nothing_is_chosen(tmp_path: Path) -> None:
    launch = Launcher(tmp_path)
    grid.sweep(tmp_path, JOBS, settings(test="all"), launch, config_of)
    assert len(launch.asked) == 3


def test_going_on_leaves_what_is_done_and_failed_and_resumes_what_was_cut_off(tmp_path: Path) -> None:
    ends = {0: ("running", None), 1: ("ok", None), 2: ("failed", "out of memory")}
    grid.sweep(tmp_path, JOBS, settings(test="all"), Launcher(tmp_path, ends), config_of)
    assert [state.state_of(tmp_path / str(n)) for n in range(4)] == ["cut off", "done", "failed", "waiting"]
    launch = Launcher(tmp_path)
    again = settings(resume=str(tmp_path), test="all")
    grid.sweep(tmp_path, [], again, launch, config_of)
    assert launch.asked == [[*JOBS[0], f"trainer.resume='{tmp_path / '0'}'", "hydra.sweep.subdir=0"]]
    grid.sweep(tmp_path, [], settings(resume=str(tmp_path), test="all", retry_failed=True), launch, config_of)
    assert [words[1] for words in launch.asked] == ["a=1", "a=3"]
    before = {path: path.read_bytes() for path in tmp_path.rglob("run.json")}
    grid.sweep(tmp_path, [], again, launch, config_of)
    assert len(launch.asked) == 2
    assert {path: path.read_bytes() for path in tmp_path.rglob("run.json")} == before


def test_one_that_was_stopped_is_cut_off(tmp_path: Path) -> None:
    run = sample_run()
    run.identity.status, run.identity.error = "failed", "stopped by SIGTERM"
    run_file.write(run, tmp_path)
    assert state.state_of(tmp_path) == "cut off"
    assert state.words_to_go_on(["trainer.resume=x"], tmp_path) == ["trainer.resume=x"]


def test_other_settings_are_refused_in_one_line(tmp_path: Path) -> None:
    grid.sweep(tmp_path, JOBS, settings(), Launcher(tmp_path), config_of)
    with pytest.raises(ConfigError, match=r"/0: was run with a=0, which is 7 now; set it as it was, or remove"):
        grid.sweep(
            tmp_path,
            [],
            settings(resume=str(tmp_path)),
            Launcher(tmp_path),
            lambda _: OmegaConf.create({"a": 7, "hydra": {}}),
        )


def test_a_key_that_is_none_counts_as_absent(tmp_path: Path) -> None:
    run = sample_run()
    run.config = {"a": 1, "old": None}
    run_file.write(run, tmp_path)
    state.check_same(tmp_path, {"a": 1, "new": None})
    assert state.config_hash({"a": 1, "old": None}) == state.config_hash({"a": 1, "new": {"b": None}})
    with pytest.raises(ConfigError, match="was run with new=None, which is 2 now"):
        state.check_same(tmp_path, {"a": 1, "new": 2})
    with pytest.raises(ConfigError, match="was run with a=1, which is None now"):
        state.check_same(tmp_path, {"a": None})


def test_what_changes_no_result_may_be_otherwise() -> None:
    one = {
        "a": 1,
        "launcher": "local",
        "sweep": {"test": "all"},
        "paths": {"data_root": "d", "cache_dir": "x"},
        "data": {"progress": True},
    }
    other = {
        "a": 1,
        "launcher": "joblib",
        "sweep": {"test": "chosen"},
        "paths": {"data_root": "d"},
        "data": {"progress": False},
    }
    assert state.config_hash(one) == state.config_hash(other)
    assert state.config_hash(one) != state.config_hash({**one, "paths": {"data_root": "e"}})


def test_two_processes_never_work_on_one_sweep(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".lock"), pytest.raises(ConfigError, match="another process runs this sweep"):
        grid.sweep(tmp_path, JOBS, settings(), Launcher(tmp_path), config_of)


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["trusted=[evil]", "model.module._target_=evil.Model"], ["trusted=[evil]"]),
        (["+trusted=[evil]"], ["+trusted=[evil]"]),
        (["++hydra.callbacks.x={_target_:os.system}"], ["++hydra.callbacks.x={_target_:os.system}"]),
        (["hydra.job_logging.formatters.simple.()=evil.f"], ["hydra.job_logging.formatters.simple.()=evil.f"]),
        (["hydra.searchpath=[file:///evil]"], ["hydra.searchpath=[file:///evil]"]),
        (["hydra/job_logging=evil"], ["hydra/job_logging=evil"]),
        (["hydra.launcher._target_=evil.L"], ["hydra.launcher._target_=evil.L"]),
        (["hydra.launcher.setup=[rm]"], ["hydra.launcher.setup=[rm]"]),
        (["logger.more.m.tracking_uri=http://x/${oc.env:KEY}"], ["logger.more.m.tracking_uri=http://x/${oc.env:KEY}"]),
        (["models_root=a/${ oc.decode:x}"], ["models_root=a/${ oc.decode:x}"]),
        (["task=feedback", "feedback.forget=mine"], ["task=feedback"]),
        (["task=train,hub"], ["task=train,hub"]),
        (["model=harmony", "seed=1,2", "task=train", "models_root=m/${seed}", "launcher=joblib"], []),
        (["hydra.sweep.dir=x", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"], []),
        (["launcher=slurm", "hydra.launcher.partition=gpu", "hydra.launcher.time=2-12:00:00"], []),
        (["launcher=slurm", "hydra.launcher.time='12:00:00'", "hydra.launcher.cluster=local"], []),
        (["hydra.launcher.partition='gpu;rm'"], ["hydra.launcher.partition='gpu;rm'"]),
        (
            ["launcher=ray", "hydra.launcher.at_once=2", "hydra.launcher.address=10.0.0.5:6379"],
            ["hydra.launcher.address=10.0.0.5:6379"],
        ),
    ],
)
def test_what_could_run_code_is_not_taken_from_a_sweep_s_folder(
    tmp_path: Path, words: list[str], missing: list[str]
) -> None:
    assert kept.to_type_again(words) == missing
    for begun, wanted in ((kept.KeptSweep("i", [], []), words), (kept.KeptSweep("i", [], [words]), [])):
        if missing:
            with pytest.raises(
                ConfigError, match="which could run what whoever wrote it likes; if that was you"
            ) as caught:
                kept.check_typed(begun, wanted, [], tmp_path)
            assert shlex.join(missing) in str(caught.value) and "\n" not in str(caught.value)
        kept.check_typed(begun, wanted, missing, tmp_path)


def test_a_config_folder_is_not_taken_from_a_sweep_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the command line: of a folder that someone else has made."""

    def refusal(*words: str) -> str:
        with pytest.raises(ConfigError) as caught:
            cli.run(["-m", f"sweep.resume={tmp_path}", *words])
        return str(caught.value)

    monkeypatch.chdir(tmp_path)
    (tmp_path / "own").mkdir()
    begun = kept.KeptSweep("i", ["-m", "--config-dir", "own", "seed=1,2"], [["seed=1"], ["seed=2", "trusted=[evil]"]])
    kept.write(begun, tmp_path)
    said = refusal()
    assert f"type -m sweep.resume={tmp_path} --config-dir own 'trusted=[evil]'" in said
    assert "has own, which" in refusal("--config-dir", "other")
    assert "has trusted=[evil], which" in refusal("--config-dir", "own")


def test_the_printed_command_has_what_must_be_typed_again(tmp_path: Path) -> None:
    kept.write(kept.KeptSweep("i", [], [["seed=1", "trusted=[mine]"], ["seed=2", "trusted=[mine]"]]), tmp_path)
    [whole] = go_on.rest_of_sweep(tmp_path, [])
    assert shlex.split(whole)[-3:] == ["-m", f"sweep.resume={tmp_path}", "trusted=[mine]"]
    assert go_on.rest_of_sweep(tmp_path / "none", []) == []


def test_a_job_that_failed_is_not_told_as_stopped(tmp_path: Path) -> None:
    for number, (status, error) in enumerate((("ok", None), ("failed", "no data"), ("failed", "stopped by SIGINT"))):
        run = sample_run()
        run.identity.status, run.identity.error = status, error  # type: ignore[assignment]
        run_file.write(run, tmp_path / str(number))
    said = [line.partition(", type: ")[0] for line in go_on.rest_of_sweep(tmp_path, [])]
    assert said == ["job 1 failed; to try it again", "job 2 was stopped; to resume"]


def test_a_job_that_was_killed_while_it_ended_is_recorded_by_its_sweep(tmp_path: Path) -> None:
    """A busy machine gives a job no time to say so itself; one that ended by itself keeps what it said."""
    for number, (status, error) in enumerate((("running", None), ("ok", None), ("failed", "no data"))):
        run = sample_run()
        run.identity.status, run.identity.error = status, error  # type: ignore[assignment]
        run_file.write(run, tmp_path / str(number))
    state.note_killed(tmp_path, "stopped by SIGTERM")
    told = [run_file.read(tmp_path / str(n) / "run.json").identity for n in range(3)]
    assert [(t.status, t.error) for t in told] == [
        ("failed", "stopped by SIGTERM"), ("ok", None), ("failed", "no data")
    ]  # fmt: skip
    assert told[0].finished_at and state.state_of(tmp_path / "0") == "cut off"


def test_combinations_are_the_product_with_what_the_config_adds() -> None:
    parser = OverridesParser.create()
    jobs = grid.combinations(["a=1,2", "b=[1,2]", "seed=7"], OmegaConf.create({"c": "x,y", "seed": "1,2"}), parser)
    assert jobs == [[f"a={a}", "b=[1,2]", "seed=7", f"c={c}"] for a in (1, 2) for c in "xy"]
    with pytest.raises(ConfigError, match="a range has no list of values"):
        grid.combinations(["a=interval(0,1)"], None, parser)


def test_a_sweep_goes_on_with_its_own_words(tmp_path: Path) -> None:
    words = ["model=harmony", "seed=1,2", "launcher=local", "hydra.sweep.dir=x"]
    typed = [f"sweep.resume={tmp_path}", "launcher=joblib", "seed=1,2"]
    assert kept.folder_to_resume(typed) == tmp_path and kept.folder_to_resume(["sweep.resume=null"]) is None
    assert kept.going_on(words, typed, tmp_path) == ["model=harmony", *typed, f"hydra.sweep.dir='{tmp_path}'"]
    cluster = ["launcher=slurm", "hydra.launcher.partition=gpu", "seed=1,2"]
    assert kept.going_on(cluster, [typed[0]], tmp_path)[:3] == cluster
    assert not any("partition" in word for word in kept.going_on(cluster, typed[:2], tmp_path)), "of another launcher"
    added = ["+launcher=slurm", "++hydra.launcher.setup=1", "~hydra.launcher.time", "+hydra.launcher.gpus=1"]
    assert kept.going_on(added, ["hydra/launcher=joblib"], tmp_path)[0] == "hydra/launcher=joblib"
    assert kept.going_on(["+hydra.launcher.gpus=1"], ["++hydra.launcher.gpus=2"], tmp_path)[0].endswith("=2")
    with pytest.raises(ConfigError, match="leave out seed=3, or begin another sweep"):
        kept.going_on(words, [*typed, "seed=3"], tmp_path)
    with pytest.raises(ConfigError, match=r"no sweep that can go on \(sweep.json: no such file\)"):
        kept.read(tmp_path)
    (tmp_path / "sweep.json").write_text('{"id": 1')
    with pytest.raises(ConfigError, match="no sweep that can go on"):
        kept.read(tmp_path)


def test_a_study_s_line_holds_what_is_asked_for_again(tmp_path: Path) -> None:
    words = ["--config-dir", "mine", "model=harmony", "trusted=[my_models]", "hydra.launcher.batch_size=1"]
    kept.write(kept.KeptSweep("id", words, []), tmp_path)
    [line] = go_on.rest_of_sweep(tmp_path, [], ["--config-dir", "mine"])
    typed = shlex.split(line.partition("type: ")[2])
    kept.check_typed(kept.read(tmp_path), words, typed, tmp_path)
