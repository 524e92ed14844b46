"""`Trials`: a data set as a lazy sequence, normalised and cached by recording."""

import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

from eeg_emotion_env.cache import CachedFeatures, FeatureCache, entry_key, warn_unwritable
from eeg_emotion_env.datasets.recording import Recording, flat_channels, label_doubt
from eeg_emotion_env.errors import DataError, DataWarning, check_choice
from eeg_emotion_env.labels import shift_labels
from eeg_emotion_env.labels.delay import checked_delay
from eeg_emotion_env.normalization import normalize_past, normalize_subject
from eeg_emotion_env.trial import NORMALIZATIONS, FloatArray, Trial, TrialKey

KEPT_IN_MEMORY = 64
"""Recordings whose trials are kept at hand; what lies in the cache on disk costs no memory."""


class Trials(Sequence[Trial]):
    """Lazy sequence of trials: a recording is read when one of its trials is asked for.

    Parameters
    ----------
    recordings : iterable of Recording
        In the order of subjects and sessions.
    normalization : str
        ``"past"`` (causal), ``"subject"`` (transductive: z-score of each subject's session over
        its whole length) or ``"none"``.
    label_delay_s : float
        Seconds by which labels are moved earlier (see `eeg_emotion_env.labels.shift_labels`).
    cache : FeatureCache or None
        Where features of recordings that lie in files are kept; None keeps them nowhere.
    """

    def __init__(
        self,
        recordings: Iterable[Recording],
        normalization: str = "past",
        label_delay_s: float = 0.0,
        cache: FeatureCache | None = None,
    ) -> None:
        self.normalization = check_choice("normalization", normalization, NORMALIZATIONS)
        self.label_delay_s, self._store = checked_delay(label_delay_s), cache
        self._made: OrderedDict[int, dict[TrialKey, Trial]] = OrderedDict()
        self._recordings = list(recordings)
        self._index = [
            (key, number) for number, item in enumerate(self._recordings) for key in item.keys
        ]
        _require_distinct(self._recordings)
        if cache is not None:
            cache.tidy()

    @property
    def keys(self) -> tuple[TrialKey, ...]:
        """Identities of all trials, in order, without reading any signal."""
        return tuple(key for key, _ in self._index)

    @property
    def subjects(self) -> tuple[int | str, ...]:
        """Subjects in order of appearance."""
        return tuple(dict.fromkeys(key.subject for key, _ in self._index))

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """Recordings that hold at least one of the trials, in order."""
        return tuple(
            self._recordings[number] for number in dict.fromkeys(n for _, n in self._index)
        )

    def state(self) -> str:
        """Return a hash of all that decides the trials: files, readers, labels, normalisation.

        It changes when a file does; nothing is read for it.
        """
        from joblib import hash as content_hash

        sources: dict[int, str] = {}
        parts: list[Any] = [self.normalization, self.label_delay_s, self.keys]
        for recording in self.recordings:
            files = [(str(path), *_stat(path)) for path in recording.reader.files]
            for source in (recording.labels, recording.truth):
                if id(source) not in sources:
                    sources[id(source)] = str(content_hash(source))
                parts.append(sources[id(source)])
            parts += [files, repr(recording.reader.configuration()), recording.keys]
        return str(content_hash(parts))

    def select(
        self,
        subjects: Iterable[int | str] | None = None,
        sessions: Iterable[int] | None = None,
        stimuli: Iterable[str] | None = None,
    ) -> "Trials":
        """Return the trials of the given subjects, sessions and stimuli, still lazy."""
        wanted = [
            (attribute, {str(value) for value in values})
            for attribute, values in (
                ("subject", subjects),
                ("session", sessions),
                ("stimulus", stimuli),
            )
            if values is not None
        ]
        return self._subset(
            [row for row in self._index if all(str(getattr(row[0], a)) in v for a, v in wanted)]
        )

    def delayed(self, label_delay_s: float) -> "Trials":
        """Return the same trials with labels moved earlier, still lazy."""
        moved = self._subset(self._index)
        moved.label_delay_s, moved._made = checked_delay(label_delay_s), OrderedDict()
        return moved

    def _subset(self, index: list[tuple[TrialKey, int]]) -> "Trials":
        subset = object.__new__(Trials)
        subset.__dict__.update(self.__dict__)
        subset._index = index
        return subset

    def __len__(self) -> int:
        return len(self._index)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> "Trials": ...
    def __getitem__(self, index: int | slice) -> "Trial | Trials":
        if isinstance(index, slice):
            return self._subset(self._index[index])
        key, number = self._index[index]
        return self._read(number)[key]

    def __iter__(self) -> Iterator[Trial]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return (
            f"Trials({len(self)} trials, {len(self.subjects)} subjects, "
            f"normalization={self.normalization!r})"
        )

    def _read(self, number: int) -> dict[TrialKey, Trial]:
        if number not in self._made:
            recording = self._recordings[number]
            content = self._features(recording)
            self._made[number] = {
                key: self._assembled(recording, key, features, flat)
                for key, features, flat in zip(
                    recording.keys, content.features, content.flat, strict=True
                )
            }
            doubt = label_doubt(list(self._made[number].values()))
            if doubt is not None:
                warnings.warn(doubt, DataWarning, stacklevel=4)
            if len(self._made) > KEPT_IN_MEMORY:
                self._made.popitem(last=False)
        self._made.move_to_end(number)
        return self._made[number]

    def _assembled(
        self, recording: Recording, key: TrialKey, features: FloatArray, flat: tuple[str, ...]
    ) -> Trial:
        trial = recording.trial(key, features, flat)
        if self.normalization != "none":
            trial = trial.replace(normalization=self.normalization)
        return shift_labels(trial, self.label_delay_s)

    def _features(self, recording: Recording) -> CachedFeatures:
        """Return the features of a recording's trials: from the cache, else computed and kept."""
        store, reader = self._store, recording.reader
        if store is None or not reader.files:
            return self._computed(recording)
        contents = [store.fingerprint(path) for path in reader.files]
        configuration = {**reader.configuration(), "normalization": self.normalization}
        key = entry_key(contents, configuration)
        kept = store.load(key)
        if kept is not None and len(kept.features) == len(recording.keys):
            return kept
        made = self._computed(recording)
        # A file that changed meanwhile must not lend its features to the content that it had.
        if not store.is_writable or contents != [store.fingerprint(p) for p in reader.files]:
            return made
        try:
            store.save(key, made, recording.origin)
        except OSError as error:
            warn_unwritable(store.folder, error)
            store.is_writable = False
            return made
        return store.load(key) or made

    def _computed(self, recording: Recording) -> CachedFeatures:
        rows = [recording.reader.features(key) for key in recording.keys]
        flat = [flat_channels(values, recording.reader.channels) for values in rows]
        if self.normalization != "none":
            normalize = normalize_past if self.normalization == "past" else normalize_subject
            rows = normalize(rows)
        return CachedFeatures(rows, flat)


def _stat(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _require_distinct(recordings: Iterable[Recording]) -> None:
    """Refuse two trials of one identity: one of them would be lost."""
    first: dict[TrialKey, str] = {}
    for recording in recordings:
        for key in recording.keys:
            # Stimuli do not tell trials apart.
            plain = replace(key, stimulus=None)
            if plain in first:
                raise DataError(
                    f"{recording.origin}: holds {plain}, as does {first[plain]}; keep one of them"
                )
            first[plain] = recording.origin
