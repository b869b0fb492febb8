"""The page in headless Chromium, from a sentence over questions to two takes and a rating; skipped without Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from support import warm
from support.browser import browsing, by_id, needs_browser, pictured, served
from support.sound_files import plucked

from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.feedback.store import Store

pytestmark = [pytest.mark.slow, needs_browser]
_STROKE = (("note_on", 0), ("note_off", 480))
_LAB = """
import sys
from kmidi_lab.__main__ import main
from kmidi_lab.composition import progressions, tunes
tunes._CANDIDATES = progressions._CANDIDATES = 2
sys.exit(main())
"""
"""The lab as it is, but that songs are chosen from few tunes and rounds of chords."""


def song(path: Path) -> None:
    """Two bars of drums and a tune."""
    file = mido.MidiFile(ticks_per_beat=480)
    for channel, pitches in ((0, (60, 64, 67, 72)), (9, (36, 42, 38, 42))):
        track = mido.MidiTrack()
        for pitch in pitches * 8:
            track += [mido.Message(kind, channel=channel, note=pitch, velocity=80, time=t) for kind, t in _STROKE]
        file.tracks.append(track)
    file.save(path)


@pytest.fixture
def address(tmp_path: Path, lab: list[str], lab_env: dict[str, str]) -> Iterator[str]:
    with served(tmp_path, warm.program(lab, _LAB), lab_env, "task=serve") as url:
        yield url


def test_from_a_sentence_to_two_takes_and_a_rating(address: str, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select, WebDriverWait

    with browsing(tmp_path) as browser:
        browser.get(address)
        wait = WebDriverWait(browser, 120)
        named = by_id(browser)

        named("text").send_keys("I miss the house by the sea")
        named("ask").click()
        wait.until(lambda _: named("qtext").text)
        for _ in range(40):
            if "Enough is known" in named("answered").text:
                break
            before = named("answered").text
            named("skip").click()
            wait.until(lambda _, before=before: named("answered").text != before)
        assert "Enough is known" in named("answered").text
        assert not named("bars").get_attribute("value"), "or a length that the text says would not count"
        named("bars").send_keys("8")
        for count in (1, 2):
            named("compose").click()
            wait.until(lambda _, count=count: len(browser.find_elements(By.CSS_SELECTOR, ".take img")) == count)
        assert named("error").text == ""
        sounds = browser.execute_async_script(
            "const done = arguments[0], all = [...document.querySelectorAll('audio')];"
            "Promise.all(all.map(a => new Promise(r => { const t = () => r(a.duration); a.readyState ? t() : a.onloadedmetadata = t; })))"
            ".then(done);"
        )
        assert len(sounds) == 2 and all(s > 8 for s in sounds)
        wait.until(
            lambda _: browser.execute_script(
                "return [...document.querySelectorAll('.take img')].every(i => i.naturalWidth > 800)"
            )
        )
        browser.find_element(By.CSS_SELECTOR, "[data-better=first]").click()
        wait.until(lambda _: "kept" in named("rated").text)
        pictured(named("results"), "compose_rating")

        # Sections are edited from a take, by rows or as text; the sliders choose the mood.
        browser.find_elements(By.XPATH, "//button[text()='Edit its sections']")[-1].click()
        before = named("sections").get_attribute("value")
        assert before and f"{sum(int(p.split()[1]) for p in before.split(','))} bars in all" == named("whole").text
        named("add").click()
        rows = browser.find_elements(By.CLASS_NAME, "part")
        Select(rows[-1].find_element(By.TAG_NAME, "select")).select_by_value("bridge")
        browser.find_elements(By.CLASS_NAME, "part")[0].find_element(By.TAG_NAME, "button").click()
        kept = [part.strip() for part in before.split(",")][1:]
        assert named("sections").get_attribute("value") == ", ".join([*kept, "bridge 8"])
        browser.execute_script(
            "for (const [id, v] of [['valence', .8], ['arousal', .6]]) { const s = document.getElementById(id);"
            " s.value = v; s.dispatchEvent(new Event('input')); }"
        )
        assert named("mood").is_selected()
        named("compose").click()
        wait.until(lambda _: "major" in browser.find_elements(By.CSS_SELECTOR, ".take p")[-2].text)
        pictured(browser, "compose_page")

        # What can be downloaded is what it is called.
        sizes = browser.execute_async_script(
            "const done = arguments[0], links = [...document.querySelectorAll('.take:last-child a')];"
            "Promise.all(links.map(async a => [a.textContent, new TextDecoder('latin1').decode("
            "new Uint8Array(await (await fetch(a.href)).arrayBuffer()).slice(0, 4))])).then(done);"
        )
        assert [name for name, _ in sizes] == ["MIDI", "WAV", "intent", "trace"]
        assert [head for _, head in sizes][:2] == ["MThd", "RIFF"] and all(h.startswith("{") for _, h in sizes[2:])

        # One model: a file of one's own, the microphone (Chromium's own beeps), and what is typed.
        midi, wav = tmp_path / "mine.mid", tmp_path / "mine.wav"
        song(midi)
        puffs = np.random.default_rng(0).normal(0, 0.1, 48_000) * np.maximum(np.sin(np.arange(48_000) / 1300), 0)
        soundfile.write(wav, puffs, 16_000)

        def ask(option: str, file: Path | None = None, typed: str = "", button: str = "send") -> str:
            Select(named("model")).select_by_visible_text(option)
            if file:
                named("file").send_keys(str(file))
            if typed:
                named("typed").send_keys(typed)
            named(button).click()
            shown = lambda: (
                named("heard").text
                or named("heard_says").text
                or " ".join(a.text for a in browser.find_elements(By.CSS_SELECTOR, "#heard_player a"))
            )
            wait.until(lambda _: shown() and not named("heard_busy").text)
            return shown()

        options = Select(named("model")).options
        kinds = {o.text: (o.get_attribute("data-takes"), o.get_attribute("value")) for o in options}
        assert {model for _, model in kinds.values()} == set(CONTRACTS)
        for option, (takes, _) in kinds.items():
            if takes == "MIDI file":
                assert ask(option, midi) == "MIDI WAV", option
            elif takes == "sound file":
                told = ask(option, wav)
                assert "% sure" in told and "{" not in told, option
                assert '"answers"' in named("heard_json").get_attribute("textContent")
                assert not named("heard_json").is_displayed()
        [by_voice] = (option for option, (_, model) in kinds.items() if model == "emotion")
        assert "% sure" in ask(by_voice, button="record") and "answered by" in named("heard_by").text
        typed = {model: option for option, (takes, model) in kinds.items() if not takes.endswith("file")}
        for model, words, told in (
            ("harmony", "Dm7 G7", "likely to come next"),
            ("melody", "C F", "MIDI WAV"),
            ("intent", "", "nearest mood"),
            ("intent", "the florb of a wug is not in zib", "unsure"),
            ("structure", "24", "chorus, 4 bars, "),
            ("structure", "many", "is no whole number"),
        ):
            shown = ask(typed[model], typed=words)
            assert told in shown and "{" not in shown and "predict." not in shown, model
            if model == "harmony":
                pictured(named("one"), "compose_model")
        assert "MIDI" in ask(next(o for o, (takes, _) in kinds.items() if takes == "MIDI file"), wav), "not a MIDI file"

        for field in ("text", "sections"):
            named(field).clear()
        named("mood").click()
        browser.execute_script("answers = []")
        named("compose").click()
        wait.until(lambda _: "there is nothing to compose from yet: write a sentence" in named("error").text)
        named("chords").send_keys("Am Xyz")
        named("compose").click()
        wait.until(lambda _: "Xyz" in named("error").text)
        errors = [e for e in browser.get_log("browser") if e["level"] == "SEVERE" and "400" not in e["message"]]
        assert not [e for e in errors if "favicon" not in e["message"]]
    events = list(Store(tmp_path / "outputs" / "feedback.db").events())
    assert sorted(event.action for event in events if event.model == "page") == ["accepted", "rejected"]
    # The chords that harmony drew for the two takes are judged with them.
    assert {event.action for event in events if event.model == "harmony"} == {"accepted", "rejected"}


def test_a_recording_is_taken_as_a_reference_and_removed(address: str, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    music, silence, text = tmp_path / "music.wav", tmp_path / "silence.wav", tmp_path / "text.wav"
    soundfile.write(music, plucked(100, 12), 16_000)
    soundfile.write(silence, np.zeros(80_000), 16_000)
    text.write_text("no sound")
    with browsing(tmp_path) as browser:
        browser.get(address)
        wait = WebDriverWait(browser, 120)
        named = by_id(browser)

        def chosen(file: Path, line: str) -> None:
            named("reference").send_keys(str(file))
            wait.until(lambda _: line in named("reference_says").text)
            assert named("compose").is_enabled() and named("unreference").is_displayed()

        assert not named("unreference").is_displayed()
        chosen(silence, "nothing to read: silent")
        chosen(text, "not a recording that can be read")
        assert named("reference_says").get_attribute("class") == "error"
        chosen(music, "as in the recording: tempo 100, ")
        assert named("reference_says").get_attribute("class") == "soft"
        pictured(named("about"), "compose_reference")
        named("bars").send_keys("4")
        for count, there in ((1, True), (2, False)):
            named("compose").click()
            wait.until(lambda _, count=count: len(browser.find_elements(By.CSS_SELECTOR, ".take img")) == count)
            assert ("as in the recording: tempo 100, " in named("takes").text.rpartition("played by")[2]) is there
            if there:
                named("unreference").click()
                assert not named("reference_says").text and not named("reference").get_attribute("value")
                named("text").send_keys("a walk by the sea")
        assert named("error").text == ""


def test_a_recording_that_was_removed_or_replaced_while_it_was_heard_is_not_used(address: str, tmp_path: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    hold = (
        "const real = fetch; window.held = [];"
        "window.fetch = (path, sent) => path === '/api/reference'"
        " ? new Promise(answer => held.push(line => answer(new Response(JSON.stringify({ style: { line }, line }))))) : real(path, sent);"
    )
    for name in ("first", "second"):
        (tmp_path / f"{name}.json").write_text("{}")
    with browsing(tmp_path) as browser:
        browser.get(address)
        browser.execute_script(hold)
        wait, named = WebDriverWait(browser, 10), by_id(browser)

        def asked(count: int) -> None:
            wait.until(lambda _: browser.execute_script("return held.length") == count)

        def answered(place: int, line: str) -> dict[str, str] | None:
            """What a song is like once the server has said a line of a recording."""
            return browser.execute_async_script(
                f"held[{place}]('{line}'); setTimeout(() => arguments[0](settings().reference || null), 200);"
            )

        named("reference").send_keys(str(tmp_path / "first.json"))
        asked(1)
        named("reference").send_keys(str(tmp_path / "second.json"))
        asked(2)
        assert answered(1, "of the second") == {"line": "of the second"}
        assert answered(0, "of the first") == {"line": "of the second"}
        assert named("reference_says").text == "of the second" and named("compose").is_enabled()
        named("reference").send_keys(str(tmp_path / "first.json"))
        asked(3)
        assert not named("compose").is_enabled(), "before the recording is heard"
        named("unreference").click()
        assert named("compose").is_enabled()
        assert answered(2, "of the first") is None and not named("reference_says").text


def test_questions_can_be_taken_back_stopped_and_gone_on_with(address: str, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    with browsing(tmp_path) as browser:
        browser.get(address)
        wait = WebDriverWait(browser, 30)
        named = by_id(browser)

        def until(question: str) -> None:
            wait.until(lambda _: question in named("qtext").text)

        named("text").send_keys("I miss the house by the sea")
        named("ask").click()
        until("long to feel")
        named("ownvalue").send_keys("to be calm\n")
        until("Which mood")
        first = browser.find_element(By.CSS_SELECTOR, "#choices button")
        assert "fits best" in first.text and named("own").is_displayed()
        pictured(named("about"), "compose_question")
        first.click()
        until("How much tension")
        named("back").click()
        until("Which mood")
        for question in ("How much tension", "through the song"):
            browser.find_element(By.CSS_SELECTOR, "#choices button").click()
            until(question)
        assert not named("own").is_displayed(), "here only choices are answers"
        assert "it builds up to a peak" in named("choices").text, "meanings are seen without a mouse"
        named("stop").click()
        assert not named("question").is_displayed() and "left to the lab" in named("answered").text
        named("ask").click()
        wait.until(lambda _: named("question").is_displayed())
        for question in ("How exposed", "Which rule"):
            browser.find_element(By.CSS_SELECTOR, "#choices button").click()
            until(question)
        assert named("skip").text == "Break none"
        named("skip").click()
        wait.until(lambda _: named("more").is_displayed())
        named("more").click()
        until("holds you back")
