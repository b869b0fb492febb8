"""What a search may vary: the files in conf/search are of real settings, and ranges are read as Hydra writes them."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from kmidi_lab import config
from kmidi_lab.conf_dir import options
from kmidi_lab.errors import ConfigError
from kmidi_lab.nn.module import LabModule
from kmidi_lab.sweeps import space
from kmidi_lab.sweeps.space import Choice, Span
from kmidi_lab.targets import build


def test_every_model_has_a_search_space() -> None:
    assert options("search") == options("model")


@pytest.mark.slow
@pytest.mark.parametrize("model", options("model"))
def test_a_search_space_is_of_real_settings_and_its_ends_build(model: str) -> None:
    words = [f"model={model}", "sweep=optuna"]
    [base] = config.check(words, True)
    _, dimensions = space.searched(words, model, None)
    assert len(dimensions) >= 4
    for dimension in dimensions:
        value = OmegaConf.select(base, dimension.key)
        assert dimension.of(list(value) if OmegaConf.is_list(value) else value) is not None, dimension.key
    for end in space.ends(dimensions):
        [cfg] = config.check([f"model={model}", *end], False)
        build(cfg.model.module, LabModule, ())


def test_ranges_are_read_as_hydra_writes_them() -> None:
    words = [
        "seed=1", "a=interval(0,1)", "b=tag(log, interval(1e-3, 1e-1))", "c=range(1,5)", "d=choice([1,2],[3])", "e=x,y",
        "f=int(interval(2,8))",
    ]  # fmt: skip
    fixed, dimensions = space.split(words)
    assert fixed == ["seed=1"]
    assert dimensions == [
        Span("a", 0, 1), Span("b", 1e-3, 1e-1, log=True), Span("c", 1, 4, whole=True), Choice("d", ("[1,2]", "[3]")),
        Choice("e", ("x", "y")), Span("f", 2, 8, whole=True),
    ]  # fmt: skip
    for wrong in ("a=interval(1,0)", "a=tag(log, interval(0,1))", "a=interval(1"):
        with pytest.raises(ConfigError):
            space.split([wrong])


def test_points_go_from_end_to_end() -> None:
    assert Span("a", 0, 1).points(3) == ["0.0", "0.5", "1"]
    assert Span("a", 1e-3, 1e-1, log=True).points(3) == ["0.001", "0.01", "0.1"]
    assert Span("a", 1, 3, whole=True).points(9) == ["1", "2", "3"]
    assert Choice("a", ("[1, 2]", "x")).of([1, 2]) == "[1, 2]"
    assert Choice("a", ("x",)).of("y") is None and Span("a", 0, 1).of(2) is None


def test_what_is_typed_goes_before_what_the_file_says() -> None:
    words = ["model=harmony", "model.module.dropout=0.1", "model.module.hidden=[8],[9]"]
    fixed, dimensions = space.searched(words, "harmony", None)
    assert fixed == ["model=harmony", "model.module.dropout=0.1"]
    keys = [d.key for d in dimensions]
    assert keys[0] == "model.module.hidden" and len(keys) == len(set(keys)) and "model.module.dropout" not in keys
    assert [d.key for d in space.searched([], "harmony", ["model.module.dropout"])[1]] == ["model.module.dropout"]
    assert [d.key for d in space.searched(["a=1,2"], "harmony", [])[1]] == ["a"]


MISTAKES = [
    (["sweep=optuna", "sweep.only=[model.module.droput]"], "Did you mean 'model.module.dropout'"),
    (["sweep=optuna", "sweep.only=[]"], "nothing to search"),
    (["sweep=optuna", "model.module.droput=interval(0,1)"], "Did you mean 'model.module.dropout'"),
    (["sweep=optuna", "model.module.hidden=interval(0,1)"], "must be of type list"),
    (["sweep=optuna", "trainer.max_epochs=range(0,3)"], "trainer.max_epochs=0 must be 1 or more"),
    (["sweep=optuna", "model=harmony,melody"], "a search varies settings, not whole choices"),
    (["sweep=optuna", "task=prepare"], "leave out task=prepare"),
    (["sweep=optuna", "sweep.trials=0"], "sweep.trials=0 must be 1 or more"),
    (["sweep=grid"], "combinations, at most 200 are allowed; name fewer keys, as in sweep.only=["),
    (
        ["model.module.dropout=interval(0,1)"],
        "a sweep lists its values, such as seed=1,2,3; to search a range, add sweep=",
    ),
    (
        ["hydra/sweeper=bohb"],
        "hydra/sweeper=bohb: no such sweeper is installed; type sweep=optuna, or another of the lab's",
    ),
    (["~callbacks.nothere"], "~callbacks.nothere: there is none to remove; leave it out"),
    (["sweep=optuna", "model=harmony", "model.module.dropout=interval(0,2)"], "model.module.dropout=2 must be 0 to "),
    (["sweep=grid", "model.module.dropout=choice(0.1,3,0.2)", "sweep.only=[]"], "model.module.dropout=3 must be 0 to "),
    (["sweep=optuna", "data.batch_size=range(0,9)"], "data.batch_size=0 must be 1 or more"),
    (["sweep=optuna", "data.batch_size=interval(8,64)"], "data.batch_size=int(interval(8,64))"),
    (["sweep=optuna", "trainer.max_epochs=interval(1,4)"], "trainer.max_epochs=int(interval(1,4))"),
    (["model=harmony", "model.module.dropout=0.1,2"], "model.module.dropout=2 must be 0 to "),
    (["seed=1,2", "model.module.hidden=[0]"], "model.module.hidden=[0] must be a list of 1 or more values"),
    (["sweep=seeds", "data.val_share=2.0"], "data.val_share=2.0 must be above 0 and below "),
    (["sweep.test=some"], "Allowed: auto, all, chosen"),
    (["sweep.rank_by=luck"], "Allowed: validation, test"),
    (["sweep.rank_by=test", "sweep.test=chosen"], "type sweep.test=all"),
    (["sweep.tests=all"], "Did you mean 'sweep.test'"),
]


@pytest.mark.parametrize(("overrides", "said"), MISTAKES, ids=[" ".join(o) for o, _ in MISTAKES])
def test_mistakes_are_one_helpful_line(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.check(overrides, True)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/db", "mysql+pymysql://host/db?user=me&password=secret"])
def test_a_database_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match=r"holds a password.* PGPASSWORD .*~/\.pgpass") as caught:
        config.check(["sweep=optuna", f"sweep.storage='{url}'"], True)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.slow
def test_databases_without_a_password() -> None:
    for url in ("postgresql://me@host:5432/db?sslmode=require", "postgresql://host:5432/db", "sqlite:///a:b@c.db"):
        assert config.check(["sweep=optuna", f"sweep.storage='{url}'"], True)[0].sweep.storage == url


def test_a_search_needs_several_jobs() -> None:
    with pytest.raises(ConfigError, match="type -m sweep=optuna"):
        config.check(["sweep=optuna"], False)


def test_a_grid_is_every_combination() -> None:
    dimensions = [Span("a", 0, 1), Choice("b", ("x", "y"))]
    assert space.grid(dimensions, 2) == [["a=0.0", "b=x"], ["a=0.0", "b=y"], ["a=1", "b=x"], ["a=1", "b=y"]]
