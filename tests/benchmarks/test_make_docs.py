"""The committed pages say what the cards say."""

import pytest

from benchmarks.make_docs import FOLDER, pages
from eeg_emotion_env.datasets import DATASETS

PAGES = pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page_is_up_to_date(name):
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == PAGES[name], "run python -m benchmarks.make_docs"


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_page_says_what_a_user_needs(name):
    card, text = DATASETS[name].card, PAGES[f"{name}.md"]
    for part in (card.licence, card.citation, card.access, card.label_meaning, card.env_id):
        assert part in text
    for heading in ("Where to get it", "Check it", "Train on it", "What the label means"):
        assert f"## {heading}" in text
    assert f"({name}.md)" in PAGES["README.md"]


def test_no_page_is_left_over():
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)
