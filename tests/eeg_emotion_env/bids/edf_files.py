"""EDF+ files written by hand, and changes to single fields of headers."""

from tests.eeg_emotion_env.bids.builders import SFREQ, converted, noise, wave

WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Bytes of the fields that a header has for each signal, in their order."""

NAMES, LOW, HIGH, DIGITAL_LOW, DIGITAL_HIGH, PER_RECORD = 0, 3, 4, 5, 6, 8


def altered(change):
    """Return a function that changes the bytes of a file."""
    return lambda path: path.write_bytes(change(path.read_bytes()))


def in_header(place, text):
    """Change a field of 8 bytes in the fixed part of the header."""
    return altered(lambda b: b[:place] + text.encode().ljust(8) + b[place + 8 :])


def in_signal(field, number, text, n_signals=5):
    """Change a field of the signal of that number: Fp1, Cz, O2, VA1, VA2."""
    start = 256 + n_signals * sum(WIDTHS[:field]) + number * WIDTHS[field]
    stop = start + WIDTHS[field]
    return altered(lambda b: b[:start] + text.encode().ljust(stop - start) + b[stop:])


def write_plus(path, onsets, kind="EDF+D"):
    """Write an EDF+ file by hand: records of a second with annotations that say when."""
    rows = [noise(1), noise(2), wave(), wave(1)]
    reach = [4000, 4000, 9, 9]
    names = ["Fp1", "Cz", "VA1", "VA2", "EDF Annotations"]
    columns = [
        names,
        [""] * 5,
        ["uV"] * 4 + [""],
        *([-4000, -4000, 0, 0, -1], [*reach, 1]),
        *([-32768] * 5, [32767] * 5),
        [""] * 5,
        [SFREQ] * 4 + [30],
        [""] * 5,
    ]
    fixed = ["0", *("X X X X", "Startdate 05-MAY-2020 X X X"), *("05.05.20", "00.00.00", 256 * 6)]
    fixed += [kind, len(onsets), 1, 5]
    widths = (8, 80, 80, 8, 8, 8, 44, 8, 8, 4)
    head = "".join(str(text).ljust(width) for text, width in zip(fixed, widths, strict=True))
    head += "".join(
        str(text).ljust(width)
        for column, width in zip(columns, WIDTHS, strict=True)
        for text in column
    )
    data = b""
    for record, onset in enumerate(onsets):
        for values, high, low in zip(rows, reach, (-4000, -4000, 0, 0), strict=True):
            data += converted(values, record, low, high)
        data += f"+{onset}\x14\x14\x00".encode().ljust(60, b"\0")
    path.write_bytes(head.encode() + data)
