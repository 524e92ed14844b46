"""Two recordings that a test may change."""

import pytest

from tests.eeg_emotion_env.bids.builders import RUN, eeg, rated, write


@pytest.fixture
def root(tmp_path):
    """Two subjects with one run each, 200 Hz, three channels and VA labels."""
    for subject in (1, 2):
        path = tmp_path / "B" / f"{RUN.format(subject, subject)}_eeg.edf"
        write(path, {**eeg("Fp1", "Cz", "O2", seed=subject), **rated()})
    (tmp_path / "B" / "dataset_description.json").write_text('{"Name": "x"}')
    return tmp_path / "B"
