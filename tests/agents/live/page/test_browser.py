"""The page in headless Chromium, on a run that goes on behind it."""

import csv
import shutil
import threading
import time
from contextlib import contextmanager

import pytest

from agents.live import CSVLog, LiveChain, LiveRun, LiveState, read_events
from agents.live.page import page_info, serve_page
from tests.agents.live.page.conftest import Endless

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

ROWS = """() => Bokeh.documents[0].roots().find(root => root.name == "track_0")
    .renderers.find(one => one.glyph.type == "Line").data_source.get_length()"""


@contextmanager
def running(model, folder):
    """Run a model on an endless recording in a thread, with a log and a page."""
    source = Endless(pace_s=0.03)
    chain, state = LiveChain(model, source.info), LiveState(model.label_names)
    run = LiveRun(source, chain, [CSVLog(folder, model.label_names), state])
    thread = threading.Thread(target=run.run)
    with serve_page(page_info(chain, "model on <stream>"), state, run, port=0) as server:
        thread.start()
        try:
            yield server, state, run
        finally:
            run.stop()
            thread.join(timeout=10)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Bring pages up to date more often, so that there is less to wait for."""
    for module in ("document", "server"):
        monkeypatch.setattr(f"agents.live.page.{module}.TICK_MS", 50)


@pytest.fixture
def browser():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def counter(page, name):
    return int(page.locator(f'[data-counter="{name}"]').inner_text().replace(" ", ""))


def grows(page, past, seconds=10.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if page.evaluate(ROWS) > past:
            return True
        time.sleep(0.03)
    return False


def test_the_page_follows_and_steers_a_run(model, browser, tmp_path):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    with running(model, tmp_path) as (server, state, run):
        assert page.request.get(server.url.partition("?")[0]).status == 403
        page.goto(server.url)
        page.locator(".pill.ok, .pill.marked").wait_for()
        # a laptop's screen shows it all
        assert page.evaluate("() => document.body.scrollHeight") <= 720
        assert page.evaluate("() => document.body.scrollWidth") <= 1280
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
        page.set_viewport_size({"width": 1280, "height": 720})
        assert server.gate.token not in page.url
        assert page.get_by_role("heading", name="model on <stream>").count() == 1

        assert grows(page, page.evaluate(ROWS))  # the trajectory moves
        assert page.locator("image[href^=prototype]").count() == 1

        page.get_by_role("button", name="Pause").click()
        page.locator(".pill.paused").wait_for()
        time.sleep(0.3)
        steps, rows = counter(page, "steps"), page.evaluate(ROWS)
        time.sleep(0.3)
        assert (counter(page, "steps"), page.evaluate(ROWS)) == (steps, rows)
        page.get_by_role("button", name="Continue").click()
        assert grows(page, rows)

        page.get_by_placeholder("what happens now").fill("the <b>door</b>")
        page.get_by_role("button", name="Mark").click()
        page.locator("tr.note").get_by_text("the <b>door</b>").wait_for()
        notes = read_events(tmp_path).query("kind == 'note'")
        assert notes["detail"].tolist() == ["the <b>door</b>"]

        run.stop()
        page.locator(".pill.ended").wait_for()
        page.wait_for_timeout(300)
        counts = state.snapshot()["counts"]
        assert counts["steps"] > steps
        for name in ("steps", "ok", "marked", "withheld", "lost samples", "dropped"):
            assert counter(page, name) == counts.get(name, 0)
        assert page.get_by_role("button", name="Pause").is_disabled()

        with page.expect_download() as download:
            page.get_by_role("link", name="Save").click()
        with open(download.value.path(), newline="", encoding="utf-8") as file:
            table = list(csv.DictReader(file))
        assert len([row for row in table if row["step"]]) == counts["steps"]
        assert any("note: the <b>door</b>" in row["events"] for row in table)
    here = f"127.0.0.1:{server.port}"
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {here}
    assert not wrong
