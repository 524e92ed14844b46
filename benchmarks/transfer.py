"""Encoders from elsewhere on a leaderboard: ``--entries benchmarks.transfer:runs/encoder``.

What follows the colon is the folder of an encoder that was pretrained on other data, on sites of
the head (``eegdancer pretrain --sites 32``). It stays frozen; a linear regression on its latents is
fitted inside each fold.
"""

from collections.abc import Sequence
from typing import Any

from benchmarks.entries.eegdancer import NoRL
from benchmarks.entries.tuning import VALIDATION_SHARE
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.latents import fitted
from eeg_emotion_env.paths import home_expanded
from eeg_emotion_env.splits import validation_groups
from eeg_emotion_env.trial import Trial
from encoders import FrozenEncoder, load_encoder
from encoders.groups import hold_out


def transferred(folder: str) -> type[NoRL]:
    """Make the entry of an encoder from elsewhere.

    Parameters
    ----------
    folder : str
        Folder written by ``eegdancer pretrain``.

    Returns
    -------
    type of Entry
        Linear regression on its latents.
    """
    encoder = load_encoder(home_expanded(folder))
    made = encoder.description

    class Transferred(NoRL):
        __doc__ = f"Linear regression on the latents of {folder}."
        name = f"latents of {made.get('dataset', 'elsewhere')} ({encoder.fingerprint[:8]})"
        summary = f"linear regression on latents of a frozen encoder, pretrained on {_data(made)}"
        stochastic = False
        causal = not encoder.config.bidirectional

        @classmethod
        def content(cls) -> str:
            return encoder.fingerprint

        def _pretrain(self, train: Sequence[Trial]) -> None:
            _require_elsewhere(encoder, train[0], folder)
            self._encoder = fitted(encoder, train[0])
            groups = validation_groups([trial.key for trial in train])
            self._kept_out = sorted(hold_out(groups, VALIDATION_SHARE, self.seed))

        @property
        def _validation_groups(self) -> list[str]:
            return self._kept_out

    Transferred.__module__, Transferred.__qualname__ = __name__, folder
    return Transferred


def _data(made: dict[str, Any]) -> str:
    return f"{made.get('source', '')} {made.get('dataset', 'data')}".strip()


def _require_elsewhere(encoder: FrozenEncoder, trial: Trial, folder: str) -> None:
    """Refuse an encoder that may have seen the people it would be tested on."""
    made = [encoder.description, *encoder.description.get("mixed", ())]
    if "dataset" not in encoder.description:
        raise ConfigError(
            f"{folder}: does not say what it was pretrained on, so nobody knows whom it has seen; "
            "make it with eegdancer pretrain"
        )
    if (trial.dataset, trial.source) in [(m.get("dataset"), m.get("source")) for m in made]:
        raise ConfigError(
            f"{folder}: was pretrained on {trial.dataset} itself; pretrain it on other data, or "
            "use eegdancer-no-rl, which pretrains inside each fold"
        )


def __getattr__(name: str) -> type[NoRL]:
    """Return the entry of the encoder in that folder."""
    if name.startswith("__"):
        raise AttributeError(name)
    return transferred(name)
