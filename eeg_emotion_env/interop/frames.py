"""Trials as one pandas table with a row a step, and back."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eeg_emotion_env.errors import DataError
from eeg_emotion_env.trial import Trial, TrialKey

if TYPE_CHECKING:
    import pandas as pd

IDENTITY = tuple(field.name for field in fields(TrialKey))

SHARED = ("step_s", "label_kind", "normalization", "causal")
"""What trials of a frame mostly share: in ``frame.attrs``, or in columns where they differ."""

SETTINGS = (*SHARED, "source", "origin")

AXES = ("label_names", "channels", "bands")
"""Names that all trials of a frame share, in ``frame.attrs``."""


def trials_to_frame(trials: Iterable[Trial]) -> "pd.DataFrame":
    """Return trials as a table with one row a step.

    Parameters
    ----------
    trials : iterable of Trial
        At least one; all with the same channels, bands and label dimensions.

    Returns
    -------
    DataFrame
        Columns ``dataset, subject, session, trial, stimulus, step`` (from 0), ``time_s`` (end of
        the step, seconds from the start of the trial), ``source``, ``origin``, one for each label
        dimension (float32, NaN where not annotated) and one ``"<channel> <band>"`` for each
        feature (float32). What all trials have in common is in ``frame.attrs``: ``step_s,
        label_kind, normalization, causal`` and the names ``label_names, channels, bands``; where
        trials differ in one of the first four, it is a column. Parquet files keep both. Truth and
        knobs of simulated trials are left out.

    Raises
    ------
    DataError
        If there are no trials, or two that do not fit into one table.
    """
    import pandas as pd

    listed = list(trials)
    _require_one_table(listed)
    first = listed[0]
    shared = [name for name in SHARED if len({getattr(trial, name) for trial in listed}) == 1]
    parts = [
        pd.DataFrame(_step_columns(listed, [name for name in SHARED if name not in shared])),
        pd.DataFrame(np.concatenate([t.labels for t in listed]), columns=list(first.label_names)),
        pd.DataFrame(
            np.concatenate([t.features.reshape(t.n_steps, -1) for t in listed]),
            columns=_feature_columns(first.channels, first.bands),
        ),
    ]
    frame = pd.concat(parts, axis=1)
    frame.attrs = {name: getattr(first, name) for name in shared}
    # lists, not tuples: parquet keeps the attributes as JSON
    frame.attrs |= {name: list(getattr(first, name)) for name in AXES}
    return frame


def trials_from_frame(frame: "pd.DataFrame") -> list[Trial]:
    """Return the trials of a table made by `trials_to_frame`.

    Parameters
    ----------
    frame : DataFrame
        The table, or whole trials of it; the order of its rows and further columns do not matter.

    Returns
    -------
    list of Trial
        In the order of their first rows.

    Raises
    ------
    DataError
        If columns, attributes or steps of a trial are missing, or a trial is impossible.
    """
    _require_attributes(frame)
    names, channels, bands = (tuple(frame.attrs[name]) for name in AXES)
    columns = _feature_columns(channels, bands)
    _require_columns(frame, [*IDENTITY, "step", "source", "origin", *names, *columns])
    steps = frame["step"].to_numpy()
    labels = frame[list(names)].to_numpy(np.float32)
    features = frame[columns].to_numpy(np.float32).reshape(-1, len(channels), len(bands))
    heads = frame[[name for name in (*IDENTITY, *SETTINGS) if name in frame]]
    trials = []
    for found in heads.groupby(list(IDENTITY), sort=False, dropna=False).indices.values():
        rows = np.asarray(found)[np.argsort(steps[found], kind="stable")]
        told = {**frame.attrs, **heads.iloc[int(rows[0])].to_dict()}
        key = TrialKey(**{name: _plain(told[name]) for name in IDENTITY})
        _require_all_steps(key, steps[rows])
        trials.append(
            Trial(
                features=features[rows],
                labels=labels[rows],
                label_names=names,
                channels=channels,
                bands=bands,
                key=key,
                **{name: _plain(told[name]) for name in SETTINGS},
            )
        )
    return trials


def _feature_columns(channels: Sequence[str], bands: Sequence[str]) -> list[str]:
    return [f"{channel} {band}" for channel in channels for band in bands]


def _step_columns(trials: list[Trial], varying: list[str]) -> dict[str, Any]:
    """Repeat what belongs to whole trials at each of their steps."""
    import pandas as pd

    lengths = [trial.n_steps for trial in trials]
    steps = np.concatenate([np.arange(n) for n in lengths])
    ends = (steps + 1) * np.repeat([trial.step_s for trial in trials], lengths)
    columns: dict[str, Any] = {}
    for name in (*IDENTITY, "source", "origin", *varying):
        values = [getattr(trial if name in SETTINGS else trial.key, name) for trial in trials]
        columns[name] = pd.Series(values).repeat(lengths).to_numpy()
        if name == IDENTITY[-1]:
            columns |= {"step": steps, "time_s": ends}
    return columns


def _require_one_table(trials: list[Trial]) -> None:
    """Raise `DataError` unless trials have the same columns and are told apart by their keys."""
    if not trials:
        raise DataError("no trials to make a frame of; give at least one")
    first, seen = trials[0], set()
    for trial in trials:
        for name in AXES:
            if getattr(trial, name) != getattr(first, name):
                raise DataError(
                    f"{trial.key}: other {name} than {first.key}; make one frame for each kind"
                )
        if trial.key in seen:
            raise DataError(f"{trial.key}: given twice; make one frame for each kind of features")
        seen.add(trial.key)


def _require_attributes(frame: "pd.DataFrame") -> None:
    lost = [name for name in AXES if name not in frame.attrs]
    lost += [name for name in SHARED if name not in frame.attrs and name not in frame]
    if lost:
        raise DataError(
            f"frame.attrs lacks {', '.join(lost)}; keep frames in parquet files (CSV files lose "
            "the attributes), or copy the attributes of the frame that trials_to_frame made"
        )


def _require_columns(frame: "pd.DataFrame", names: list[str]) -> None:
    lost = [name for name in names if name not in frame]
    if lost:
        more = f" and {len(lost) - 4} more" if len(lost) > 4 else ""
        raise DataError(f"frame lacks the columns {', '.join(lost[:4])}{more}")


def _require_all_steps(key: TrialKey, steps: NDArray[Any]) -> None:
    if not np.array_equal(steps, np.arange(len(steps))):
        raise DataError(
            f"{key}: its steps are not 0 to {len(steps) - 1}, each once; keep all rows of a trial, "
            "and each trial once"
        )


def _plain(value: Any) -> Any:
    """Return a cell as Python's own type; None where it is missing."""
    if value is None or value != value:
        return None
    return value.item() if isinstance(value, np.generic) else value
