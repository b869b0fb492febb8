"""The page in headless Chromium, from a sentence over questions to two takes and a rating; skipped without Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmidi_lab.feedback.store import Store

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (Debian: chromium-driver)"),
]
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--window-size=1100,1500", "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip


@pytest.fixture
def address(tmp_path: Path, lab_env: dict[str, str]) -> Iterator[str]:
    """A server of its own process; Ctrl-C ends it with exit code 0 or 130."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "kmidi_lab", "task=serve", f"serve.port={port}"], cwd=tmp_path, env=os.environ | lab_env
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(url, timeout=2).read()
            break
        except OSError:
            time.sleep(0.5)
    yield url
    server.terminate()
    server.wait(20)


def test_from_a_sentence_to_two_takes_and_a_rating(address: str, tmp_path: Path) -> None:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in (*_OPTIONS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(option)
    browser = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        browser.get(address)
        wait = WebDriverWait(browser, 120)

        def named(name: str):
            return browser.find_element(By.ID, name)

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
        named("bars").clear()
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
        assert browser.execute_script(
            "return [...document.querySelectorAll('.take img')].every(i => i.naturalWidth > 800)"
        )
        browser.find_element(By.CSS_SELECTOR, "[data-better=first]").click()
        wait.until(lambda _: "kept" in named("rated").text)
        named("chords").send_keys("Am Xyz")
        named("compose").click()
        wait.until(lambda _: "Xyz" in named("error").text)
        errors = [e for e in browser.get_log("browser") if e["level"] == "SEVERE" and "400" not in e["message"]]
        assert not [e for e in errors if "favicon" not in e["message"]]
        if os.environ.get("KMIDI_SCREENSHOT"):
            browser.save_screenshot(os.environ["KMIDI_SCREENSHOT"])
    finally:
        browser.quit()
    events = list(Store(tmp_path / "outputs" / "feedback.db").events())
    assert sorted(event.action for event in events) == ["accepted", "rejected"]
