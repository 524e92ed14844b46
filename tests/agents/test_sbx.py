"""JAX forms of the algorithms (sbx) train on the native vector environment as it is."""

import numpy as np
import pytest

from agents import HeldOutCCC, make_vec_env
from eeg_emotion_env.env import EEGEmotionEnv
from tests.agents.conftest import made_episodes

sbx = pytest.importorskip("sbx", reason="needs the extra sbx")


@pytest.mark.parametrize("name", ["SAC", "TQC", "CrossQ"])
def test_sbx_learns_saves_loads_and_predicts(name, tmp_path):
    env = EEGEmotionEnv.from_episodes(made_episodes())
    callback = HeldOutCCC(made_episodes(2, 1, seed=7), every=50)
    options = {"learning_starts": 20, "policy_kwargs": {"net_arch": [16]}}
    model = getattr(sbx, name)("MlpPolicy", make_vec_env(env, 4, seed=0), **options)
    model.learn(60, callback=callback)
    assert np.isfinite(callback.curve[-1][1])
    observation, _ = env.reset(seed=0)
    action, _ = model.predict(observation, deterministic=True)
    assert env.action_space.contains(action)
    model.save(tmp_path / "model.zip")
    again = getattr(sbx, name).load(tmp_path / "model.zip")
    np.testing.assert_array_equal(again.predict(observation, deterministic=True)[0], action)
