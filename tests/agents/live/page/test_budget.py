"""The bound on the work of all pages."""

from agents.live.page.budget import CREDIT_S, SHARE, Budget


def test_work_beyond_the_share_has_to_wait():
    clock = {"wall": 0.0, "used": 0.0}
    budget = Budget(lambda: clock["wall"], lambda: clock["used"])
    visits = 0
    for _ in range(4000):  # one second of work is wanted each second
        clock["wall"] += 0.25
        if budget.allows():
            visits += 1
            clock["used"] += 0.25
    assert abs(visits * 0.25 - SHARE * 1000) < 2 * CREDIT_S + 0.5


def test_light_work_never_waits():
    clock = {"wall": 0.0, "used": 0.0}
    budget = Budget(lambda: clock["wall"], lambda: clock["used"])
    for _ in range(1000):
        clock["wall"] += 0.25
        clock["used"] += 0.01
        assert budget.allows()


def test_a_debt_is_paid_soon():
    clock = {"wall": 0.0, "used": 0.0}
    budget = Budget(lambda: clock["wall"], lambda: clock["used"])
    assert budget.allows()
    clock["used"] += 100.0
    assert not budget.allows()
    clock["wall"] += 1.1 * CREDIT_S / SHARE
    assert budget.allows()


def test_waiting_ends_when_there_is_time_again():
    clock = {"wall": 0.0, "used": 0.0}
    budget = Budget(lambda: clock["wall"], lambda: clock["used"])
    waited = []
    budget._ends.wait = waited.append
    budget.wait()
    assert not waited
    clock["used"] += 100.0
    budget.wait()
    clock["wall"] += waited[0]
    assert budget.allows()
    assert waited[0] < 1.1 * CREDIT_S / SHARE


def test_at_the_end_nothing_waits():
    clock = {"used": 0.0}
    budget = Budget(lambda: 0.0, lambda: clock["used"])
    assert budget.allows()
    clock["used"] += 100.0
    budget.end()
    budget.wait()  # would be seconds
