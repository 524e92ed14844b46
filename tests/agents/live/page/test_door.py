"""How fast pages may be opened."""

from types import SimpleNamespace

import pytest

from agents.live.page.door import EVERY_S, FULL_S, MOST_PAGES, Door


@pytest.fixture
def world():
    return SimpleNamespace(now=0.0, n_pages=0, allowed=True)


@pytest.fixture
def door(world):
    budget = SimpleNamespace(allows=lambda: world.allowed)
    return Door(budget, lambda: world.n_pages, lambda: world.now)


def test_pages_are_let_in_one_at_a_time(door, world):
    let_in = 0
    for _ in range(1000):
        let_in += door.refuses() is None
        world.now += 0.01
    assert let_in == 10 / EVERY_S


def test_who_is_refused_does_not_lengthen_the_wait(door, world):
    assert door.refuses() is None
    world.now = 0.9 * EVERY_S
    assert door.refuses()[1] >= 1
    world.now = EVERY_S
    assert door.refuses() is None


def test_nobody_is_let_in_without_time_left(door, world):
    world.allowed = False
    assert door.refuses() is not None
    world.allowed = True
    assert door.refuses() is None


def test_nobody_is_let_in_where_all_pages_are_taken(door, world):
    world.n_pages = MOST_PAGES
    reason, after_s = door.refuses()
    assert f"{MOST_PAGES} pages are open" in reason
    assert after_s == FULL_S
