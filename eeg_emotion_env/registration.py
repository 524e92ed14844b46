"""Registers one Gymnasium environment for each data set."""

import gymnasium

from eeg_emotion_env.datasets import DATASETS

ENV = "eeg_emotion_env.env:EEGEmotionEnv"
VECTOR_ENV = "eeg_emotion_env.vector:EEGEmotionVectorEnv"


def register_envs() -> tuple[str, ...]:
    """Register ``EEGEmotion-<SET>-v0`` for each data set; doing so again changes nothing.

    ``import eeg_emotion_env`` calls this. Entry points are strings, so that specifications stay
    JSON-able and nothing is imported before an environment is made.

    Returns
    -------
    tuple of str
        Ids of the environments.
    """
    ids = {dataset.card.env_id: name for name, dataset in DATASETS.items()}
    for env_id, name in ids.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(
                env_id,
                entry_point=ENV,
                vector_entry_point=VECTOR_ENV,
                kwargs={"dataset": name},
                # The environments themselves raise ResetNeeded: a wrapper would only cost time.
                order_enforce=False,
            )
    return tuple(ids)
