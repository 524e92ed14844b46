"""Groups kept out of training."""

from hypothesis import given
from hypothesis import strategies as st

from encoders.groups import hold_out


@given(
    groups=st.lists(st.integers(0, 9), min_size=2).filter(lambda g: len(set(g)) > 1),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 99),
)
def test_hold_out_keeps_some_and_never_all(groups, share, seed):
    kept = hold_out(groups, share, seed)
    assert kept
    assert kept < set(groups)
    assert kept == hold_out(groups, share, seed)
