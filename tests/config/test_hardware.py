"""The rules of hardware, builds and the guard, with MPS and CUDA faked."""

from __future__ import annotations

import pytest
from torch import nn

from kmidi_lab import hardware
from kmidi_lab.errors import ConfigError, HardwareError
from kmidi_lab.hardware import Hardware, guard, may_train, resolve
from kmidi_lab.trainer import SizeLimit


def present(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(hardware, "_torch_has", lambda: {"cpu": True, "cuda": "cuda" in names, "mps": "mps" in names})


def ask(
    accelerator: str, strict: bool = False, devices: int = 1, precision: str = "32-true", budget: float = 4.0
) -> Hardware:
    return resolve(accelerator, devices, 1, precision, strict, budget)


def test_auto_takes_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    present(monkeypatch)
    assert ask("auto").accelerator == "cpu"
    present(monkeypatch, "mps")
    assert ask("auto").accelerator == "mps"
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    present(monkeypatch, "mps", "cuda")
    assert ask("auto").accelerator == "cuda"


def test_mps_falls_back_loudly_and_keeps_its_limits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    present(monkeypatch)
    got = ask("mps")
    assert (got.accelerator, got.limits) == ("cpu", "mps")
    assert "no MPS device" in got.notes[0]
    assert "no MPS device" in caplog.text
    with pytest.raises(HardwareError, match="hardware=auto"):
        ask("mps", strict=True)


def test_cuda_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    present(monkeypatch)
    with pytest.raises(HardwareError, match=r"no CUDA device here. Found: cpu. Type hardware=auto"):
        ask("cuda")
    present(monkeypatch, "cuda")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with pytest.raises(HardwareError, match="1 CUDA devices"):
        ask("cuda", devices=8)


@pytest.mark.parametrize("bad", [{"accelerator": "tpu"}, {"devices": 0}, {"budget": 0}])
def test_values_out_of_range(bad: dict) -> None:
    with pytest.raises(ConfigError):
        ask(**{"accelerator": "cpu", **bad})


def test_half_precision_needs_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    present(monkeypatch)
    got = ask("cpu", precision="16-mixed")
    assert got.precision == "32-true"
    assert "16-mixed" in got.notes[0]


def machine(limits: str, budget: float = 4.0) -> Hardware:
    return Hardware(limits, limits, 1, 1, "32-true", limits, budget)


@pytest.mark.parametrize(("limits", "epochs", "batch"), [("mps", 5, 8), ("cpu", 10, 16), ("cuda", 50, 64)])
def test_smoke_limits(limits: str, epochs: int, batch: int) -> None:
    hw = machine(limits)
    got = guard(hw, "smoke", 50, 64, 1, 1000)
    assert (got.epochs, got.batch_size) == (epochs, batch)
    assert len(hw.notes) == (0 if limits == "cuda" else 2)


def test_smoke_limits_hold_for_smoke_only_and_never_raise_a_value() -> None:
    assert guard(machine("mps"), "none", 50, 64, 1, 1000).batch_size == 64
    assert guard(machine("mps"), "smoke", 2, 4, 1, 1000).epochs == 2


def test_a_batch_that_does_not_fit_is_accumulated_to_the_same_size() -> None:
    hw = machine("cpu", budget=1.0)
    got = guard(hw, "none", 1, 256, 1, 2**30 // 100)
    assert got.batch_size <= 100
    assert got.batch_size * got.accumulate >= 256
    assert got.batch_size * got.accumulate < 256 + got.accumulate
    assert "accumulation" in hw.notes[0]
    assert guard(machine("cpu", 1.0), "none", 1, 10, 3, 2**40).accumulate == 30


@pytest.mark.parametrize("values", [(0, 8, 1), (3, 0, 1), (3, 8, 0)])
def test_guard_refuses_nonsense(values: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigError, match="must be 1 or more"):
        guard(machine("cpu"), "none", *values, 1000)


def test_builds_that_do_not_train() -> None:
    with pytest.raises(HardwareError, match="preset=smoke"):
        may_train("dev_mac", False, "none")
    may_train("dev_mac", False, "smoke")
    may_train("workstation", True, "none")


def test_no_more_processes_than_cores_and_one_line_says_so(caplog: pytest.LogCaptureFixture) -> None:
    found = ask("cpu", devices=99_999)
    assert found.devices == hardware.usable_cores()
    [line] = caplog.messages
    assert line.startswith("hardware.devices=99999: there") and found.notes == [line]
    assert ask("cpu", devices=1).notes == []


def test_several_machines_need_to_know_of_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in hardware._CLUSTERS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(HardwareError, match="set MASTER_ADDR, MASTER_PORT and NODE_RANK"):
        resolve("cpu", 1, 2, "32-true", False, 4.0)
    monkeypatch.setenv("MASTER_ADDR", "10.0.0.1")
    assert resolve("cpu", 1, 2, "32-true", False, 4.0).num_nodes == 2


def test_a_network_too_large_for_the_memory_is_refused_before_it_is_made() -> None:
    there = ask("cpu", budget=0.01)
    with SizeLimit(there):
        nn.GRU(64, 64)
    for make in (lambda: nn.Linear(100_000, 100_000), lambda: nn.Sequential(*(nn.Linear(400, 400) for _ in range(9)))):
        with (
            pytest.raises(ConfigError, match=r"parameters, which need .* GiB to train; there are 0\.01"),
            SizeLimit(there),
        ):
            make()
