"""What may leave a machine, and what counts of many users tell of one."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.feedback import anonymous, use_ids
from kmidi_lab.feedback.anonymous import anonymous_counts, counts_table, threshold
from kmidi_lab.feedback.consent import Consent, keep_consent, read_consent
from kmidi_lab.feedback.consent import to_line as consent_line
from kmidi_lab.feedback.event import Event, new_id
from kmidi_lab.feedback.reading import EventError, parse
from kmidi_lab.feedback.store import Store
from kmidi_lab.tasks import feedback as task

FULL = Event(
    use=new_id(), model="m", action="changed", time=1_790_000_000, input=[1.0], output=[2.0], changed_to=[3.0],
    choices={"style": "lofi"},
)  # fmt: skip


def test_nothing_is_allowed_until_someone_says_so(tmp_path: Path) -> None:
    assert read_consent(tmp_path) == Consent() and read_consent(tmp_path).allowed(FULL) is None
    given = keep_consent(tmp_path, "all")
    assert read_consent(tmp_path) == given
    assert given.allowed(FULL) is None  # from before the consent
    later = replace(FULL, time=given.since + 60)
    assert given.allowed(later) == later
    keep_consent(tmp_path, "none")
    assert read_consent(tmp_path).allowed(later) is None
    with pytest.raises(DataError, match="'everything' is not allowed"):
        keep_consent(tmp_path, "everything")


def test_a_scope_that_is_given_again_keeps_its_date(tmp_path: Path) -> None:
    record = tmp_path / "consent.json"
    record.write_text('{"format":"kmidi-consent-1","scope":"actions","date":"2026-01-01"}')
    assert keep_consent(tmp_path, "actions") == read_consent(tmp_path) == Consent("actions", "2026-01-01")
    assert record.stat().st_mode & 0o777 == 0o600
    assert keep_consent(tmp_path, "all").date > "2026-01-01"
    record.write_text("x")
    assert keep_consent(tmp_path, "none").scope == read_consent(tmp_path).scope == "none"


def test_a_narrow_consent_covers_no_numbers_and_no_words() -> None:
    consent = Consent("actions", "2026-01-01")
    assert consent.allowed(FULL) == Event(
        use=FULL.use, model="m", action="rejected", event=FULL.event, time=FULL.time
    )  # fmt: skip
    assert consent.allowed(replace(FULL, action="labelled", label="happy", item="a" * 64)) is None
    with pytest.raises(EventError, match="not covered"):
        consent.check(FULL)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "x",
        '{"format":"kmidi-consent-1","scope":"all","date":"2026-02-31"}',
        '{"format":"kmidi-consent-1","scope":"all","date":"2026-02-03T25:00:00Z"}',
    ],
)
def test_a_broken_record_is_no_consent(tmp_path: Path, text: str) -> None:
    (tmp_path / "consent.json").write_text(text)
    with pytest.raises(DataError, match=r"no consent record.*feedback.consent=none"):
        read_consent(tmp_path)


def _crowd(sizes: dict[str, int]) -> list[Event]:
    return [Event(use=new_id(), model="m", action=action) for action, size in sizes.items() for _ in range(size)]


def test_no_cell_of_few_users_is_shown_whatever_the_noise() -> None:
    for seed in range(300):
        counts = anonymous_counts(_crowd({"accepted": 9, "rejected": 200}), 10.0, Random(seed))
        assert set(counts.cells) == {("m", "rejected", None)} and counts.left_out == 1
    many_events_of_one = [replace(FULL, event=new_id()) for _ in range(1000)]
    assert not anonymous_counts(many_events_of_one, 10.0, Random(0)).cells


@pytest.mark.slow
def test_the_noise_is_laplaces_of_the_documented_scale() -> None:
    crowd, epsilon = _crowd({"accepted": 500}), 1.0
    noise = [anonymous_counts(crowd, epsilon, Random(seed)).cells["m", "accepted", None] - 500 for seed in range(1500)]
    ratio = np.exp(-epsilon / anonymous.MOST_CELLS)
    assert np.var(noise) == pytest.approx(2 * ratio / (1 - ratio) ** 2, rel=0.2)
    assert abs(np.mean(noise)) < 0.5


def test_one_user_alone_passes_the_threshold_with_a_chance_below_delta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of `MOST_CELLS` cells together: a count of 1 or fewer and noise above `threshold - 1`."""
    ratio, least = np.exp(-1.0 / anonymous.MOST_CELLS), threshold(1.0)
    chance = ratio ** (least - 1) / (1 + ratio)
    assert anonymous.MOST_CELLS * chance < anonymous.DELTA


def test_a_user_counts_in_three_cells_at_most() -> None:
    uses = [new_id() for _ in range(400)]
    events = [Event(use=u, model=f"m{n}", action="accepted") for u in uses for n in range(9)]
    counts = anonymous_counts(events, 1.0, Random(0))
    assert len(counts.cells) == 3
    assert counts_table(counts).decode().splitlines()[0] == "model,action,rating,use_ids"
    with pytest.raises(ConfigError, match="must be"):
        anonymous_counts(events, 0.0)


def test_what_is_shared_is_divided_into_files_that_a_collector_takes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(task, "_MOST_BYTES", 1000)
    store, consent = Store(tmp_path / "feedback.db"), Consent("all", "2026-01-01")
    events = [replace(FULL, event=new_id()) for _ in range(9)]
    store.add(events)
    task._share(store, consent, tmp_path / "shared.jsonl")
    files = sorted(tmp_path.glob("shared*.jsonl"))
    assert "shared-2.jsonl" in {path.name for path in files} and max(p.stat().st_size for p in files) < 1000
    lines = [path.read_bytes().splitlines(keepends=True) for path in files]
    assert {first for first, *_ in lines} == {consent_line(consent)}
    assert {parse(line).event for _, *rest in lines for line in rest} == {event.event for event in events}


def test_files_that_were_shared_before_hold_nothing_that_is_allowed_no_more(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(task, "_MOST_BYTES", 1000)
    store, path = Store(tmp_path / "feedback.db"), tmp_path / "shared.jsonl"
    store.add([replace(FULL, event=new_id()) for _ in range(20)])
    task._share(store, Consent("all", "2026-01-01"), path)
    before = len(list(tmp_path.glob("shared-*.jsonl")))
    mine = tmp_path / f"shared-{before + 2}.jsonl"
    mine.write_text("of somebody else")
    store.forget([FULL.use])
    task._share(store, Consent("actions", "2026-01-01"), path)
    assert (
        before > 3 and list(tmp_path.glob("shared*.jsonl")) == [path, mine] and mine.read_text() == "of somebody else"
    )


def test_pages_that_begin_a_month_at_once_have_one_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that another has overwritten could not be named to have its events deleted."""

    def slow() -> str:
        time.sleep(0.02)
        return new_id()

    monkeypatch.setattr(use_ids, "new_id", slow)
    with ThreadPoolExecutor(4) as pages:
        given = set(pages.map(lambda _: use_ids.use_id(tmp_path / "new"), range(4)))
    [(kept, since)] = use_ids.use_ids(tmp_path / "new")
    assert given == {kept}
    later = use_ids.use_id(tmp_path / "new", since + use_ids.ROTATES_S)
    assert [use for use, _ in use_ids.use_ids(tmp_path / "new")] == [kept, later]


def test_the_task_shares_what_the_consent_covers(job, tmp_path: Path, capsys) -> None:
    store = Store(tmp_path / "outputs" / "feedback.db")
    store.add([FULL, replace(FULL, event=new_id(), time=int(time.time()) - 1)])
    path = tmp_path / "shared.jsonl"
    with pytest.raises(ConfigError, match="nothing is allowed to leave"):
        job("task=feedback", f"feedback.share={path}")
    job("task=feedback", "feedback.consent=actions")
    later = Event(use=new_id(), model="m", action="rated", rating=2, input=[1.0], time=int(time.time()) + 60)
    store.add([later])
    job("task=feedback", "feedback.consent=actions", f"feedback.share={path}", f"feedback.anonymous={tmp_path / 'c'}")
    assert "allowed to leave this machine: 'actions'" in capsys.readouterr().out
    assert path.stat().st_mode & 0o777 == 0o600
    consent, *events = path.read_bytes().splitlines()
    assert b'"scope":"actions"' in consent and b"input" not in events[0]
    assert [parse(line).event for line in events] == [later.event]  # not what was there before the consent
    assert (tmp_path / "c").read_text().splitlines() == ["model,action,rating,use_ids"]
