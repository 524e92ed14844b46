"""Make live_page.png: the page of `eegdancer live --browser` on a simulated recording.

    eegdancer simulate --layout seed --subjects 1 --sessions 1 --duration-scale .25 --out sim/SEED
    eegdancer train --dataset simulated --encoder encoders/weights/simulated-62x5 --out model
    python docs/images/live_page.py model sim/SEED/Preprocessed_EEG/1_*.mat live_page.png

A channel goes flat for a while and some seconds are lost, so that the picture shows both. Needs
playwright and Chromium.
"""

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from agents.live import Chunk, LiveChain, LiveRun, LiveState, load_live_model, open_file
from agents.live.page import page_info, serve_page

SPEED = 20.0
FLAT_S, LOST_S = (150.0, 400.0), (100.0, 104.0)
FLAT = "T8"


class Troubled:
    """A recording with a flat channel, and a gap."""

    def __init__(self, path: Path) -> None:
        self._file = open_file(path, SPEED)
        self.info = replace(self._file.info, name=path.name)

    def chunks(self) -> Iterator[Chunk]:
        """Give the file's chunks, some of them spoiled."""
        column = self.info.channels.index(FLAT)
        for chunk in self._file.chunks():
            time_s = chunk.timestamps[0]
            if LOST_S[0] < time_s < LOST_S[1]:
                continue
            if FLAT_S[0] < time_s < FLAT_S[1]:
                samples = chunk.samples.copy()
                samples[:, column] = 0.0
                chunk = replace(chunk, samples=samples)
            yield chunk

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def main(model: str, recording: str, picture: str) -> None:
    """Run, open the page, mark a moment, take the picture."""
    source = Troubled(Path(recording))
    chain = LiveChain(load_live_model(Path(model)), source.info)
    state = LiveState(chain.model.label_names)
    run = LiveRun(source, chain, [state])
    title = f"{Path(model).name} on {source.info.name} (simulated)"
    with serve_page(page_info(chain, title), state, run, port=0) as server:
        threading.Thread(target=run.run, daemon=True).start()
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium")
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.goto(server.url)
            time.sleep(100 / SPEED)
            page.get_by_placeholder("what happens now").fill("a noise in the corridor")
            page.get_by_role("button", name="Mark").click()
            time.sleep(150 / SPEED)
            page.screenshot(path=picture)
            browser.close()
        small = Image.open(picture).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        small.save(picture, optimize=True)
        run.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
