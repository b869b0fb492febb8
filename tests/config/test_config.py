"""Every YAML composes and builds; every mistake is one line that helps."""

from __future__ import annotations

import inspect
from functools import cache
from itertools import zip_longest
from pathlib import Path

import hydra
import pytest
from hydra import compose as hydra_compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

import datamodules
from datamodules.shared.module import LabData
from kmidi_lab import command_line, config, config_choices, config_rules
from kmidi_lab.conf_dir import conf_dir, models, options
from kmidi_lab.errors import ConfigError
from kmidi_lab.help_text import accepted_data
from kmidi_lab.inference.request import Request
from kmidi_lab.nn.module import LabModule
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.targets import build

CHOICES = {folder.name: sorted(p.stem for p in folder.glob("*.yaml")) for folder in sorted(conf_dir().glob("*/"))}


def compose(*overrides: str, multirun: bool = False) -> list[DictConfig]:
    return config.check(list(overrides), multirun)


@cache
def composed(*overrides: str) -> DictConfig:
    """One job, composed once for all tests that only read it: composing is what takes the time here."""
    [cfg] = compose(*overrides)
    return cfg


def components(node: object) -> list[DictConfig]:
    if not isinstance(node, DictConfig):
        return []
    own = [node] if "_target_" in node else []
    return own + [c for key in node if not OmegaConf.is_missing(node, key) for c in components(node[key])]


def of_data(data: str) -> tuple[str, str]:
    """The overrides that compose a data set with a model that takes it."""
    model = next(name for name, said in models((conf_dir(),)).items() if data in said["model"]["accepts"])
    return f"model={model}", f"data={data}"


def together() -> list[tuple[str, ...]]:
    """Overrides that name every choice but sweeps: each data set with a model, and of all other groups one a time."""
    lines = [(f"experiment={choice}",) for choice in CHOICES["experiment"]]
    for group in sorted(set(CHOICES) - {"data", "model", "experiment", "sweep", "cut", "search"}):
        added = [(f"{group}={choice}",) for choice in CHOICES[group]]
        lines = [line + more for line, more in zip_longest(lines, added, fillvalue=())]
    return [of_data(choice) for choice in CHOICES["data"]] + lines


def test_every_choice_is_composed() -> None:
    named = {override for line in together() for override in line}
    missing = {
        f"{group}={choice}" for group, choices in CHOICES.items() if group != "search" for choice in choices
    } - named
    assert missing == {f"sweep={choice}" for choice in CHOICES["sweep"]}


@pytest.mark.parametrize("overrides", together(), ids=" ".join)
def test_every_yaml_composes_and_its_components_build(overrides: tuple[str, ...]) -> None:
    cfg = composed(*overrides)
    for component in [*components(cfg.data), *components(cfg.model), cfg.predict]:
        target = hydra.utils.get_object(component._target_)
        allowed = inspect.signature(target).parameters
        # `sound` and `adapter` are the task's own, of every model.
        assert set(component) - {"_target_", "sound", "adapter"} == set(allowed), component._target_
    build(cfg.data, LabData, ())
    build(cfg.model.module, LabModule, ())
    build(cfg.model.evaluator, Evaluator, ())


@pytest.mark.slow
@pytest.mark.parametrize(("sweep", "jobs"), [("none", 1), ("seeds", 3), ("folds", 5)])
def test_every_sweep_composes(sweep: str, jobs: int) -> None:
    assert sweep in CHOICES["sweep"]
    assert len(compose("model=emotion", f"sweep={sweep}", multirun=True)) == jobs


def own_data(model: str) -> str:
    """The data set that a model is trained on by default."""
    [data] = [d["override /data"] for d in models((conf_dir(),))[model]["defaults"]]
    return data


@pytest.mark.parametrize("model", options("model"))
def test_what_is_asked_by_default_is_what_the_python_api_asks(model: str) -> None:
    cfg = composed(*of_data(own_data(model)))
    assert cfg.model.name == model
    asked = {key: value for key, value in cfg.predict.items() if key != "_target_"}
    request = hydra.utils.get_object(cfg.predict._target_)
    assert issubclass(request, Request)
    assert asked == {name: p.default for name, p in inspect.signature(request).parameters.items()}


@cache
def text_of_readers() -> str:
    return "".join(p.read_text() for p in Path(datamodules.__path__[0]).rglob("*.py"))


@pytest.mark.parametrize("model", options("model"))
def test_help_looks_for_the_sources_that_the_data_modules_read(model: str) -> None:
    """Names and folders that `# looks for:` declares in conf/data are those of the readers."""
    choices = accepted_data(model)
    for choice in choices:
        cfg = composed(*of_data(choice.name))
        below_root = hydra.utils.get_object(cfg.data._target_).root_sources
        assert list(choice.globs) == [s for s in cfg.data.get("sources", below_root) if s in below_root]
        assert choice.text.endswith(".")
        for glob in (g for globs in choice.globs.values() for g in globs):
            assert all(part in text_of_readers() for part in glob.split("/")[0].split("*"))
    assert [c.name for c in choices] == models((conf_dir(),))[model]["model"]["accepts"]
    assert choices[0].name == own_data(model)


def test_data_follows_the_model_and_can_be_overridden() -> None:
    [cfg] = compose("model=harmony")
    assert cfg.hydra.runtime.choices.data == "chord_db"
    assert compose("model=harmony", "data=chord_db")[0].data.root == cfg.paths.data_root


MISTAKES = [
    (["modle=harmony"], "'modle' does not exist. Did you mean 'model'"),
    (["model=harmonny"], "Did you mean 'harmony'"),
    (["data=chordb"], "Did you mean 'chord_db'"),
    (["hardware=gpu"], "Did you mean 'cuda'? Allowed: auto, cpu, cuda, mps"),
    (["preset=smok"], "Did you mean 'smoke'"),
    (["trainer.max_epoch=3"], "Did you mean 'trainer.max_epochs'"),
    (["trainer.max_epochs=many"], "trainer.max_epochs='many' must be of type int"),
    (["trainer.max_epochs=0"], "trainer.max_epochs=0 must be 1 or more"),
    (["data.batch_size=abc"], "must be of type int"),
    (["data.batchsize=3"], "Did you mean 'data.batch_size'"),
    (["data.progress=3"], "must be of type bool"),
    (["data.sources=embedded"], "must be of type list"),
    (["model.module.hiden=[3]"], "Did you mean 'model.module.hidden'"),
    (["seed=-1"], "seed=-1 must be 0 to"),
    (["seed=1.5"], "seed='1.5' must be of type int"),
    (["seed=99999999999"], "seed=99999999999 must be 0 to"),
    (["sweep=seeds"], "type -m sweep=seeds"),
    (["trainer.limit_train_batches=0"], "trainer.limit_train_batches=0"),
    (["trainer.gradient_clip=-1"], "trainer.gradient_clip=-1"),
    (["model.name=foo"], "model.name"),
    (["seed=1,2"], "type -m seed=1,2"),
    (["+foo=1"], "can't be added"),
    (["~seed"], "can't be added or removed"),
    (["predict.chords=C"], "type task=predict"),
    (["task=predict", "predict.chord=C"], "Did you mean 'predict.chords'"),
    (["task=predict", "model=melody", "predict.top=3"], "Did you mean 'predict.top_"),
    (
        ["task=predict", "model=groove", "predict.chords=C"],
        "Allowed here: predict.adapter, predict.midi, predict.out, predict.sound, predict.style",
    ),
    (["task=predict", "predict.top=many"], "predict.top='many' must be of type int, such as predict.top=8"),
    (["export.tolerance=1"], "may be tightened, not opened"),
    (["export.tolerance=nan"], "export.tolerance=nan"),
    (["export.cpp=json"], "export.cpp=json must be null, kmw or header"),
    (["harmony"], "harmony: can't be read; write overrides as key=value"),
    (["seed=1", "trainer.max_epochs=4,", "model=harmony"], "trainer.max_epochs=4,: can't be read; write overrides"),
    (
        ["data.sources=[embedded"],
        "data.sources=[embedded: can't be read; write overrides as key=value, lists as key=[a,b]",
    ),
    (["logger.tags=[a b,ü]"], "logger.tags=[a b,ü]: can't be read; write overrides"),
    (["models_root=my models/ä,b"], "if it is a text, type \"models_root='my models/ä,b'\""),
    (["models_root=a $b;"], "if it is a text, type 'models_root='\"'\"'a $b;'\"'\"''"),
    (["model="], "model"),
    (["hydra/launcher=nope"], "hydra/launcher"),
    (["models_root="], "models_root is empty; leave it out, or type models_root=. for the folder you are in"),
    (["models_root=' '"], "models_root is empty"),
    (["paths.output_root="], "paths.output_root is empty"),
    (["paths.cache_dir="], "paths.cache_dir is empty"),
    (["data.root="], "data.root is empty"),
    (["task=serve", "serve.host="], "serve.host is empty; leave it out, or type serve.host=127.0.0.1"),
    (["task=collect", "collect.host="], "collect.host is empty"),
    (["task=predict", "predict.chords="], "predict.chords is empty; leave it out, or type predict.chords=…"),
    (["task=predict", "predict.key=' '"], "predict.key is empty"),
    (["task=compose", "compose.style="], "compose.style is empty"),
    (["task=eval", "eval.model="], "eval.model is empty"),
    (["trainer.resume="], "trainer.resume is empty"),
    (["+trainer.more.strategy="], "trainer.more.strategy is empty"),
    (["task=label", "label.host="], "label.host is empty"),
]


@pytest.mark.parametrize(("overrides", "said"), MISTAKES, ids=[" ".join(o) for o, _ in MISTAKES])
def test_mistakes_are_one_helpful_line(overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compose(*overrides)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_jobs_of_a_sweep_write_no_file_over_each_other(tmp_path: Path) -> None:
    asked = {"task": "predict", "model": {"name": "groove"}}

    def jobs(out: str | None, *midi: str) -> list[DictConfig]:
        return [OmegaConf.create({**asked, "predict": {"out": out, "midi": name}}) for name in midi]

    config_rules.check_own_files([*jobs(None, "a.mid", "a.mid"), *jobs(str(tmp_path), "a.mid", "b.mid")])
    for out, midi in (("x.mid", ("a.mid", "b.mid")), (str(tmp_path), ("a.mid", "other/a.mid"))):
        with pytest.raises(ConfigError, match="several jobs would write one file"):
            config_rules.check_own_files(jobs(out, *midi))


@pytest.mark.slow
def test_a_sweep_is_checked_value_by_value_before_it_starts() -> None:
    assert len(compose("seed=1,2", "trainer.max_epochs=1,2", multirun=True)) == 4
    with pytest.raises(ConfigError, match="max_epochs=0"):
        compose("seed=1,2", "trainer.max_epochs=3,0", multirun=True)


def test_a_model_refuses_data_it_cant_take(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"model=harmony can't take data=chord_db; allowed: other. Type data=other"):
        compose("model.accepts=[other]")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
def test_free_text_survives_the_shell_grammar(text: str) -> None:
    quoted = command_line.quote_free_text(f"predict.chords={text}")
    if text.startswith(("'", '"', "$")) or text in ("", "null"):
        assert quoted == f"predict.chords={text}"
        return
    try:
        [override] = OverridesParser.create().parse_overrides([quoted])
    except HydraException:
        assert "\\" in text or "${" in text
        return
    assert override.value() == text or "\\" in text


@pytest.mark.parametrize("text", ["Dm7 | G7", "C#, F# = {x}: [1]", "ii%7 ~ V7", "it's “so”", "007", "true", "a\\'b"])
def test_free_text_arrives_as_it_was_typed(text: str) -> None:
    [override] = OverridesParser.create().parse_overrides([command_line.quote_free_text(f"predict.chords={text}")])
    assert override.value() == text


@pytest.mark.parametrize(
    "key", ["compose.audio", "model.init_from", "dashboard.runs", "dashboard.out", "sweep.storage"]
)
def test_files_and_urls_are_free_text(key: str) -> None:
    for text in ("my take, no. 2 (live).wav", "postgresql://me@host/db?sslmode=require"):
        [override] = OverridesParser.create().parse_overrides([command_line.quote_free_text(f"{key}={text}")])
        assert override.value() == text


def test_free_text_arrives_in_the_config() -> None:
    [cfg] = compose("task=predict", command_line.quote_free_text("predict.chords=C#, F# = {x}: [1]"))
    assert cfg.predict.chords == "C#, F# = {x}: [1]"


def test_run_ids_are_unique_within_a_second() -> None:
    assert len({config.new_run_id() for _ in range(500)}) == 500


def test_environment_names_the_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_ROOT", "/usr")
    monkeypatch.setenv("OUTPUT_ROOT", "/out")
    monkeypatch.delenv("MODELS_ROOT", raising=False)
    [cfg] = compose()
    assert (cfg.data.root, cfg.paths.models_root, cfg.paths.cache_dir) == (
        "/usr",
        "/out/models",
        "/out/cache",
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("predict.audio=~/a b.wav", "predict.audio={}/a b.wav"), ("data.root=~", "data.root={}"),
        ("data.root=~/a,~/b", "data.root={}/a,{}/b"), ('predict.midi="~/x.mid"', 'predict.midi="{}/x.mid"'),
        ("trusted=[~/a]", "trusted=[{}/a]"), ("paths.output_root=a~/b", "paths.output_root=a~/b"),
        ("predict.chords=C ~ G", "predict.chords=C ~ G"), ("~data", "~data"), ("models_root=~user/x", "models_root=~user/x"),
    ],
)  # fmt: skip
def test_home_is_meant_wherever_a_path_begins(typed: str, meant: str, monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/at/home")
    assert command_line.with_home_of(typed) == meant.replace("{}", "/at/home")


def test_the_home_of_a_user_by_name(monkeypatch) -> None:
    before = Path.expanduser
    monkeypatch.setattr(Path, "expanduser", lambda p: Path("/home/ann") if str(p) == "~ann" else before(p))
    typed = "models_root=~ann/x"
    assert command_line.with_home_of(typed) == "models_root=/home/ann/x"
    assert command_line.with_home_of("data.root=~nobody.here/x") == "data.root=~nobody.here/x"


def test_home_is_meant_in_the_environment(monkeypatch) -> None:
    from kmidi_lab import __main__

    for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT"):
        monkeypatch.setenv(key, "~/x")
    monkeypatch.setenv("HOME", "/at/home")
    __main__._expand_home()
    assert {__main__.os.environ[key] for key in ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT")} == {"/at/home/x"}


def test_a_file_of_the_environment_is_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """With the mark that Windows' editors put in front, too."""
    from kmidi_lab import __main__

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUTPUT_ROOT", " ")  # which counts as not set, and is what it was again afterwards
    (tmp_path / ".env").write_text("\ufeffOUTPUT_ROOT=ö\n", encoding="utf-8")
    __main__._load_dotenv()
    assert __main__.os.environ["OUTPUT_ROOT"] == "ö"
    (tmp_path / ".env").write_bytes(b"OUTPUT_ROOT=\xf6\n")
    assert __main__.main(["--version"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: .env: can't be read (UnicodeDecodeError") and line.endswith(
        "save it as UTF-8, or move it away"
    )


@pytest.mark.slow
def test_jobs_that_differ_in_values_alone_share_what_their_types_are_compared_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    composed = list[object]()

    def compose(*args: object, **words: object) -> DictConfig:
        composed.append(args)
        return hydra_compose(*args, **words)

    monkeypatch.setattr(config_choices, "compose", compose)
    config.check(["model=harmony", "model.module.dropout=0.1,0.2,0.3", "seed=1,2"], True)
    assert len(composed) == 1
    with pytest.raises(ConfigError, match="dropout='x' must be of type float"):
        config.check(["model=harmony", "model.module.dropout=0.1,x"], True)
