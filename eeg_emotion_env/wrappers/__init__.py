"""Action views: other ways to say a prediction, as Gymnasium wrappers.

The environment takes the prediction itself. A view takes something else and turns it into the
prediction, from nothing but the observation: the offset to the proposal of a frozen supervised
model (`ResidualAction`), the change since the last prediction (`IncrementAction`), or how far to
follow the proposal (`GainAction`, an adaptive Kalman gain). Observations, rewards, infos and ids
stay those of the environment. `eeg_emotion_env.wrappers.vector` holds the same for vector forms.
"""

from eeg_emotion_env.wrappers.proposal import LinearProposal, Proposal
from eeg_emotion_env.wrappers.single import GainAction, IncrementAction, ResidualAction
from eeg_emotion_env.wrappers.views import VIEWS, ActionView, Gain, Increment, Residual

__all__ = [
    "VIEWS",
    "ActionView",
    "Gain",
    "GainAction",
    "Increment",
    "IncrementAction",
    "LinearProposal",
    "Proposal",
    "Residual",
    "ResidualAction",
]
