"""The labelling page in headless Chromium: keys, undo, skip, a kill of the server, two raters; skipped without
Chromium.
"""

from __future__ import annotations

import time
from pathlib import Path
from subprocess import Popen

import pytest
from support.browser import browsing, by_id, needs_browser, pictured, served

from kmidi_lab.feedback.store import Store

pytestmark = [pytest.mark.slow, needs_browser]
LINES = ("I miss the house by the sea", "What a day, I could dance", "They lied to me again", "The bus leaves at nine")


def test_two_raters_label_by_keys_and_nothing_is_lost(tmp_path: Path, lab: list[str], lab_env: dict[str, str]) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("\n".join(LINES))
    store = tmp_path / "outputs" / "feedback.db"
    task = ("task=label", "model=intent", "label.page=true", f"data.root={folder}")
    with browsing(tmp_path) as browser:
        wait = WebDriverWait(browser, 60)
        named = by_id(browser)

        def begin(name: str) -> None:
            named("name").clear()
            named("name").send_keys(name + Keys.ENTER)
            wait.until(lambda _: name in named("count").text)
            wait.until(lambda _: named("text").text)

        def press(key: str, count: str) -> None:
            browser.find_element(By.TAG_NAME, "body").send_keys(key)
            wait.until(lambda _: named("count").text.startswith(count) or named("error").text)
            assert named("count").text.startswith(count), named("error").text
            time.sleep(0.3)

        def kept() -> list[str | None]:
            return [e.label for e in Store(store).events("intent")]

        with served(tmp_path, lab, lab_env, *task, end=Popen.kill) as url:
            browser.get(url)
            begin("ann")
            labels = [b.text[1:] for b in browser.find_elements(By.CSS_SELECTOR, "#choices button")]
            first = named("text").text
            press("1", "1 of 4")
            assert kept() == [labels[0]] and named("text").text != first
            press("2", "2 of 4")
            press(Keys.BACKSPACE, "1 of 4")
            assert kept() == [labels[0]] and "Taken back" in named("said").text
            second = named("text").text
            press(Keys.ARROW_RIGHT, "1 of 4")
            wait.until(lambda _: named("text").text != second)
            press("3", "2 of 4")
            assert sorted(filter(None, kept())) == sorted([labels[0], labels[2]])
            browser.find_element(By.TAG_NAME, "body").send_keys("z")
            assert named("count").text.startswith("2 of 4"), "no label has that key"
            begin("bob")
            assert named("text").text == first, "the second rater sees all, and no label of the first"
            press("1", "1 of 4")
            assert [c.text for c in browser.find_elements(By.CSS_SELECTOR, "#agreement td")] == [
                "ann",
                "1",
                "1",
                "1.00",
            ]
            for number in (2, 3):
                press("2", f"{number} of 4")
            press("2", "4 of 4")
            wait.until(lambda _: named("end").is_displayed())
            errors = [e for e in browser.get_log("browser") if e["level"] == "SEVERE" and "favicon" not in e["message"]]
            assert not errors
        browser.find_element(By.TAG_NAME, "body").send_keys(Keys.BACKSPACE)
        wait.until(lambda _: named("error").text)
        assert named("count").text.startswith("4 of 4"), "what the server did not do is not said to be done"
    assert len(kept()) == 6


def test_a_chord_is_seen_heard_and_typed(tmp_path: Path, lab: list[str], lab_env: dict[str, str]) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "blue.txt").write_text("Dm7 | G7 | Cmaj7 | A7 | Dm7 | G7 | Em7 | A7 | Dm7 | Db7 | Cmaj7\n")
    task = ("task=label", "model=harmony", "label.page=true", "label.by=surprise", f"data.root={tmp_path / 'charts'}")
    with browsing(tmp_path) as browser, served(tmp_path, lab, lab_env, *task) as url:
        wait = WebDriverWait(browser, 60)
        named = by_id(browser)

        def seconds() -> float:
            return float(
                wait.until(lambda _: browser.execute_script("return document.getElementById('player').duration"))
            )

        browser.get(url)
        named("name").send_keys("ann" + Keys.ENTER)
        wait.until(lambda _: named("text").text.endswith("→ ?"))
        assert len(browser.find_elements(By.CSS_SELECTOR, "#roll rect")) >= 6 and "Db7" in named("given").text
        wait.until(lambda _: browser.execute_script("return document.getElementById('player').readyState > 0"))
        before = seconds()
        browser.find_elements(By.XPATH, "//button[text()='♪']")[1].click()
        wait.until(lambda _: "label=" in named("player").get_attribute("src"))
        wait.until(lambda _: seconds() > before + 0.5)
        assert browser.execute_script("return !document.getElementById('player').paused")
        pictured(browser, "label_page")
        named("typed").send_keys("nonsense" + Keys.ENTER)
        wait.until(lambda _: "is no chord" in named("error").text)
        named("typed").clear()
        named("typed").send_keys("g7/b" + Keys.ENTER)
        wait.until(lambda _: named("count").text.startswith("1 of"))
        assert "Kept: G7/B" in named("said").text and named("error").text == ""
        errors = [e for e in browser.get_log("browser") if e["level"] == "SEVERE" and "favicon" not in e["message"]]
        assert all("400" in e["message"] for e in errors)
    [event] = Store(tmp_path / "outputs" / "feedback.db").events("harmony")
    assert event.label == "G7/B" and len(event.input or []) == 128
