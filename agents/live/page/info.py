"""What a page shows besides the run's state: names, channels, maps; and what it may do to a run."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from agents.live.chain import LiveChain
from agents.live.page.maps import PrototypeMaps, flat, prototype_maps
from eeg_emotion_env.montage import directions, is_electrode


class Controls(Protocol):
    """What buttons do; `agents.live.LiveRun` has it."""

    @property
    def paused(self) -> bool:
        """Whether the run is paused."""
        ...

    def pause(self) -> None:
        """Make no steps until `resume`."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def note(self, text: str) -> None:
        """Mark this moment."""
        ...


@dataclass(frozen=True, eq=False)
class PageInfo:
    """What does not change while a run lasts.

    Attributes
    ----------
    title : str
        Model and stream.
    label_names : tuple of str
        Dimensions of a prediction.
    step_s : float
        Length of a step, seconds.
    channels : tuple of str
        Channels that the model takes.
    missing : tuple of str
        Those of them that the stream does not have.
    maps : PrototypeMaps or None
        Maps of the codebook.
    log : str or None
        Folder of the log.
    """

    title: str
    label_names: tuple[str, ...]
    step_s: float
    channels: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    maps: PrototypeMaps | None = None
    log: str | None = None

    @property
    def placed(self) -> dict[str, tuple[float, float]]:
        """Channels whose place is known, and where they are seen from above."""
        known = [name for name in self.channels if is_electrode(name)]
        places = flat(directions(known)) if known else np.empty((0, 2))
        return {n: (float(x), float(y)) for n, (x, y) in zip(known, places, strict=True)}


def page_info(chain: LiveChain, title: str, log: str | None = None) -> PageInfo:
    """Describe a chain for a page.

    Parameters
    ----------
    chain : LiveChain
        Model on a stream.
    title : str
        Model and stream.
    log : str or None
        Folder of the log.
    """
    model = chain.model
    return PageInfo(
        title,
        model.label_names,
        model.features.step_s,
        chain.channels,
        chain.missing,
        prototype_maps(model),
        log,
    )
