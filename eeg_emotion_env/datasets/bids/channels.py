"""Choosing the EEG channels of a recording by their names and by ``channels.tsv``."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eeg_emotion_env.datasets.bids.signals import Header
from eeg_emotion_env.errors import DataError
from eeg_emotion_env.labels.annotations import read_table
from eeg_emotion_env.montage import is_electrode
from eeg_emotion_env.tables.bids import AUXILIARY, EARS, LABEL_FAMILIES

CODES = re.compile(r"(TRIAL[ _-]?TYPE|STIM|CODE|CLASS|TARGET|LABEL|RATING)", re.IGNORECASE)
"""Starts of names of channels that hold codes of events, or ratings: no EEG, as `AUXILIARY`."""

_LABELS = {name for names, _ in LABEL_FAMILIES for name in names}
# MNE tells channels of one name apart by such endings.
_DOUBLE = re.compile(r"(.+)-(?:\d+|[a-z])")


def clean_name(name: str) -> str:
    """Return the name of an electrode without prefix, reference and dots, in upper case."""
    text = re.sub(r"^(EEG|POL)[ ._-]+", "", name.strip(), flags=re.IGNORECASE).strip(" .")
    text = re.sub(r"[ -]+(REF|LE|RE|AR|AVG|AVE|CAR|CLE|[AM][12]|G\d)$", "", text, flags=re.I)
    return text.replace(" ", "").upper()


def doubled(header: Header) -> dict[str, int]:
    """Count the channels of each clean name that several have, as the file calls them."""
    stems = [match[1] for match in map(_DOUBLE.fullmatch, header.names) if match]
    counts = Counter(stem for stem in stems if stem not in header.names)
    return {clean_name(stem): n for stem, n in counts.items() if n > 1}


@dataclass(frozen=True)
class ChannelTable:
    """What ``channels.tsv`` says.

    Attributes
    ----------
    path : Path or None
        The file; None where there is none.
    names : tuple of str
        Channels that it lists.
    types : mapping of str to str
        Type of each channel in upper case, by its clean name.
    bad : tuple of str
        Channels whose status is bad.
    """

    path: Path | None = None
    names: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    bad: tuple[str, ...] = ()

    def unlike(self, header: Header) -> str | None:
        """Say which EEG channels the recording lacks; None if it has all that are listed.

        Raises
        ------
        DataError
            If it has none of the channels: the table belongs to another recording.
        """
        present = {clean_name(name) for name in header.names}
        listed = [name for name in self.names if clean_name(name)]
        absent = [name for name in listed if clean_name(name) not in present]
        if listed and len(absent) == len(listed):
            raise DataError(
                f"{self.path}: lists none of the channels of {header.path.name} "
                f"({', '.join(header.names[:3])}…); restore the table of this recording"
            )
        told = [name for name in absent if self.types.get(clean_name(name)) == "EEG"]
        if not told:
            return None
        more = f" and {len(told) - 4} more" if len(told) > 4 else ""
        return (
            f"{self.path}: lists EEG channels that {header.path.name} does not have: "
            f"{', '.join(told[:4])}{more}; check that the table belongs to the recording"
        )


def read_channel_table(path: Path | None) -> ChannelTable:
    """Read ``channels.tsv``.

    Raises
    ------
    DataError
        If it is no table with a column ``name``, or gives a channel two types.
    """
    if path is None:
        return ChannelTable()
    table = read_table(path).rename(columns=lambda column: str(column).strip().lower())
    if list(table.columns).count("name") != 1:
        raise DataError(f"{path}: has no column name; restore the file from the data set")
    names = [str(name).strip() for name in table["name"]]
    columns = {
        column: [str(value).strip().lower() for value in table[column]]
        for column in ("type", "status")
        if column in table
    }
    types: dict[str, str] = {}
    for name, kind in zip(names, columns.get("type", [""] * len(names)), strict=True):
        if kind in ("", "nan", "n/a"):
            continue
        if types.setdefault(clean_name(name), kind.upper()) != kind.upper():
            raise DataError(f"{path}: gives {name} two types; remove one of its lines")
    status = columns.get("status", [""] * len(names))
    bad = [name for name, state in zip(names, status, strict=True) if state == "bad"]
    return ChannelTable(path, tuple(names), types, tuple(bad))


def choose_channels(header: Header, types: Mapping[str, str]) -> dict[str, str]:
    """Choose the EEG channels of a recording.

    A type in ``channels.tsv`` decides; without one, names of electrodes are EEG, and where there
    are none, all channels to which the file itself gives that type. Labels, auxiliary channels,
    mastoids and ears never are.

    Parameters
    ----------
    header : Header
        The recording.
    types : mapping of str to str
        Types from ``channels.tsv``, by clean name.

    Returns
    -------
    dict of str to str
        Names in the file by clean name (other names than electrodes' stay as they are), in order.

    Raises
    ------
    DataError
        If none is EEG, or two are the same electrode.
    """
    for clean, n in doubled(header).items():
        if is_electrode(clean) and clean not in EARS:
            raise DataError(
                f"{header.path}: {n} channels are named {clean}; rename all but one of them in the "
                "file"
            )
    electrodes: dict[str, str] = {}
    others: dict[str, str] = {}
    for name, kind in zip(header.names, header.kinds, strict=True):
        clean = clean_name(name)
        told = types.get(clean)
        if told not in (None, "EEG") or clean in EARS or _is_no_eeg(clean):
            continue
        if not is_electrode(clean):
            # The type in the file says little: EDF readers call everything EEG.
            if told or kind == "eeg":
                others[name] = name
        elif electrodes.setdefault(clean, name) != name:
            raise DataError(
                f"{header.path}: {electrodes[clean]} and {name} are the same electrode; give one "
                "of them the type MISC in channels.tsv"
            )
    told_only = {name: name for name in others if types.get(clean_name(name))}
    chosen = electrodes | told_only if electrodes else others
    if not chosen:
        raise DataError(
            f"{header.path}: no EEG among its channels {', '.join(header.names[:6])}…; name them "
            "by the 10-10 system, or give them the type EEG in channels.tsv"
        )
    return dict(sorted(chosen.items(), key=lambda item: header.names.index(item[1])))


def left_out(header: Header, table: ChannelTable, chosen: Mapping[str, str]) -> list[str]:
    """Name the channels that the file calls EEG, and that are not used for their names alone."""
    return [
        name
        for name, kind in zip(header.names, header.kinds, strict=True)
        if kind == "eeg"
        and name not in chosen.values()
        and clean_name(name) not in (*table.types, *EARS)
        and not _is_no_eeg(clean_name(name))
    ]


def _is_no_eeg(clean: str) -> bool:
    return clean.lower() in _LABELS or bool(AUXILIARY.match(clean) or CODES.match(clean))
