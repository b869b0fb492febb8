"""A page of the lab in headless Chromium: the server in a process of its own, and the browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

_CHROMIUM, _DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not (_CHROMIUM and _DRIVER), reason="needs chromium and chromedriver (Debian: chromium-driver)"
)
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--window-size=1100,1500", "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
)  # fmt: skip


@contextmanager
def served(
    folder: Path,
    lab: list[str],
    env: dict[str, str],
    *arguments: str,
    end: Callable[[subprocess.Popen[bytes]], None] = subprocess.Popen.terminate,
) -> Iterator[str]:
    """The address of a task that serves; the first argument is `task=…`. `end` ends the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    task = arguments[0].removeprefix("task=")
    command = [*lab, *arguments, f"{task}.port={port}"]
    server = subprocess.Popen(command, cwd=folder, env=os.environ | env)
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=2).read()
            break
        except OSError:
            time.sleep(0.1)
    try:
        yield url
    finally:
        end(server)
        server.wait(20)
        with suppress(ConnectionError):  # `lab` may end an instant before what it has started
            while True:
                socket.create_connection(("127.0.0.1", port), 2).close()
                time.sleep(0.02)


@contextmanager
def browsing(folder: Path) -> Iterator[Any]:
    """A browser with a profile of its own in `folder`."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(_CHROMIUM)
    for option in (*_OPTIONS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(option)
    browser = webdriver.Chrome(options, webdriver.ChromeService(_DRIVER))
    try:
        yield browser
    finally:
        browser.quit()


def pictured(shown: Any, name: str) -> None:
    """Saves a picture of the browser or of an element for the docs, where KMIDI_SCREENSHOTS names the folder."""
    if folder := os.environ.get("KMIDI_SCREENSHOTS"):
        file = str(Path(folder) / f"{name}.png")
        if hasattr(shown, "save_screenshot"):
            shown.save_screenshot(file)
        else:
            shown.parent.execute_script("arguments[0].scrollIntoView({block: 'center'})", shown)
            shown.screenshot(file)


def by_id(browser: Any) -> Callable[[str], Any]:
    """Finds an element of the page by its id."""
    return lambda name: browser.find_element("id", name)
