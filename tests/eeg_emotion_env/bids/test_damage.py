"""BIDS: damages of every kind are one line that names the file and the remedy."""

import shutil
import warnings

import numpy as np
import pytest

from eeg_emotion_env.datasets import load
from eeg_emotion_env.datasets.checks import check_folder
from eeg_emotion_env.errors import ConfigError, DataError, DataWarning
from tests.eeg_emotion_env.bids.builders import (
    BIDS,
    EVENTS,
    FIRST,
    N_TIMES,
    SECOND,
    eeg,
    rated,
    table,
    wave,
    write,
)
from tests.eeg_emotion_env.bids.edf_files import (
    DIGITAL_HIGH,
    DIGITAL_LOW,
    HIGH,
    LOW,
    NAMES,
    PER_RECORD,
    altered,
    in_header,
    in_signal,
)


def _rewritten(**signals):
    def damage(path):
        everything = {**eeg("Fp1", "Cz", "O2"), **rated(), **signals}
        write(path, {name: value for name, value in everything.items() if value is not None})

    return damage


def _dangling(path):
    path.unlink()
    path.symlink_to(path.with_name("gone.edf"))


def _doubled(path):
    shutil.copy(path, path.with_name(path.name.replace("run-1", "run-01")))


def _beside(ending, text):
    def damage(path):
        table(path.with_name(path.name.replace("_eeg.edf", ending)), text)

    return damage


LABELS = "_labels.tsv"
SIDE = {"labels": "sidecar"}
CUT = {"trials": "events"}
DAMAGES = {
    "truncated": (altered(lambda b: b[:-700]), "is cut short", {}),
    "half a header": (altered(lambda b: b[:600]), "ends within its header", {}),
    "empty": (altered(lambda b: b""), "is empty", {}),
    "no EDF": (altered(lambda b: b"not EDF at all, just text. " * 99), "not an EDF", {}),
    "zeros": (altered(lambda b: bytes(len(b))), "not an EDF", {}),
    "garbled header": (
        altered(lambda b: b[:900] + b"?" * 300 + b[1200:]),
        "the range of Fp1 is",
        {},
    ),
    "no arousal": (_rewritten(VA2=None), r"no channel VA2 \(arousal\) beside VA1", {}),
    "no labels": (_rewritten(VA1=None, VA2=None), "no label channel for valence and arousal", {}),
    "too high": (_rewritten(VA1=(wave() + 3, "", (0, 12))), r"VA1 reaches .*\[0, 9\]", {}),
    "flat": (
        _rewritten(**{n: (np.zeros(N_TIMES), "uV", (-9, 9)) for n in ("Fp1", "Cz", "O2")}),
        "is flat",
        {},
    ),
    "no EEG": (lambda p: write(p, {**eeg("GSR", "ECG"), **rated()}), "no EEG among", {}),
    "no common": (lambda p: write(p, {**eeg("C3", "C4"), **rated()}), "shares no EEG", {}),
    "twice": (_rewritten(**eeg("EEG Cz-REF")), "Cz and EEG Cz-REF are the same electrode", {}),
    "version": (altered(lambda b: b"1" + b[1:]), "not an EDF or BDF file", {}),
    "other format": (altered(lambda b: b"\xffBIOSEMI" + b[8:]), r"is BDF .* name it \.bdf", {}),
    "longer": (altered(lambda b: b + b"\0" * 50), "longer than its header says", {}),
    "twice as long": (altered(lambda b: b + b[256 * 6 :]), "longer than its header says", {}),
    "text mode": (
        altered(lambda b: b[:3000] + b"\r" + b[3000:]),
        "so samples may be shifted",
        {},
    ),
    "more records": (in_header(236, "9"), "is cut short", {}),
    "fewer records": (in_header(236, "7"), "longer than its header says", {}),
    "no records": (in_header(236, "0"), "holds 0 records", {}),
    "record number": (in_header(236, "x"), "number of records is 'x'", {}),
    "header length": (in_header(184, "1000"), "contradicts itself", {}),
    "record length": (in_header(244, "0"), "its records last 0 s", {}),
    "record length below 0": (in_header(244, "-1"), "its records last -1 s", {}),
    "record length nan": (in_header(244, "nan"), "its records last nan s", {}),
    "physical range": (in_signal(HIGH, 1, "-4000"), "physical range of Cz is -4000 to -4000", {}),
    "physical nan": (in_signal(HIGH, 1, "nan"), "physical range of Cz is -4000 to nan", {}),
    "digital range": (in_signal(DIGITAL_HIGH, 0, "-32000"), "digital range of Fp1 is -32000", {}),
    "digital order": (in_signal(DIGITAL_LOW, 2, "32767"), "range of O2 is upside down", {}),
    "digital reach": (
        in_signal(DIGITAL_LOW, 2, "-42000"),
        "range of O2 is -42000 to 32000, more",
        {},
    ),
    "label range": (in_signal(LOW, 3, "9"), "physical range of VA1 is 9 to 9", {}),
    "label digits": (in_signal(DIGITAL_HIGH, 4, "-18432"), "digital range of VA2 is", {}),
    "samples": (in_signal(PER_RECORD, 1, "-5"), "samples of Cz is '-5'", {}),
    "same name": (in_signal(NAMES, 1, "Fp1"), "2 channels are named FP1; rename", {}),
    "same label": (in_signal(NAMES, 4, "VA1"), "several label channels are named VA1", {}),
    "pointer": (
        altered(lambda b: b"/annex/objects/MD5E-s1--a.edf\n"),
        "git annex get",
        {},
    ),
    "other channel table": (
        _beside("_channels.tsv", "name type\nA1x EEG\nA2x EEG\n"),
        r"lists none of the channels of .* \(Fp1, Cz, O2…\)",
        {},
    ),
    "two types": (
        _beside("_channels.tsv", "name type\nCz EEG\nCz EOG\nFp1 EEG\n"),
        "gives Cz two types",
        {},
    ),
    "dangling": (_dangling, "leads nowhere", {}),
    "doubled": (_doubled, "the same subject, session and run as", {}),
    "short": (lambda p: None, "less than one step", {"step_s": 10.0}),
    "steps": (lambda p: None, "has 200 samples a second, 66.6 a step", {"step_s": 0.333}),
    "channel table": (_beside("_channels.tsv", "channel type\nCz EEG\n"), "no column name", {}),
    "table columns": (_beside(LABELS, "when valence\n1 0\n"), "lacks a column", SIDE),
    "table text": (_beside(LABELS, "time_s valence\n1 high\n"), "line 2 .* not a number", SIDE),
    "table range": (_beside(LABELS, "time_s valence\n1 7\n"), "label_range", SIDE),
    "table order": (_beside(LABELS, "time_s valence\n2 0\n1 0\n"), "does not increase", SIDE),
    "table length": (_beside(LABELS, "time_s valence\n1 0\n3000 0\n"), "lasts 8 s", SIDE),
    "table empty": (_beside(LABELS, "time_s valence\n"), "no complete row", SIDE),
    "no events": (lambda p: None, r"no events\.tsv", CUT),
    "event columns": (_beside("_events.tsv", "time kind\n1 2\n"), "lacks a column", CUT),
    "event text": (_beside("_events.tsv", "onset duration\nsoon 1\n"), "not a number", CUT),
    "event early": (_beside("_events.tsv", "onset duration\n-1 1\n"), "before the recording", CUT),
    "event onset": (
        _beside("_events.tsv", "onset duration trial_type\n1 1 a\nn/a 1 b\n"),
        "line 3 has no onset",
        CUT,
    ),
    "event duration": (
        _beside("_events.tsv", "onset duration\n1 -2\n"),
        "negative duration",
        CUT,
    ),
    "event columns twice": (
        _beside("_events.tsv", "onset trial_type TRIALTYPE\n1 a b\n"),
        "two columns trial_type",
        CUT,
    ),
    "event late": (_beside("_events.tsv", "onset duration\n99 1\n"), "less than one step", CUT),
    "event types": (
        _beside("_events.tsv", EVENTS),
        "no events of the types 8-9",
        {**CUT, "event_types": "8-9"},
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named(root, name):
    damage, message, options = DAMAGES[name]
    path = root / f"{SECOND}_eeg.edf"
    if options is SIDE:
        table(root / f"{FIRST}{LABELS}", "time_s valence\n1 0\n2 0\n")
    elif "trials" in options:
        table(root / f"{FIRST}_events.tsv", EVENTS.replace("\n7 0 start", "\n7 0 8"))
    damage(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DataWarning)
        with pytest.raises(DataError, match=message) as error:
            list(load("bids", root, **options))
    assert "\n" not in str(error.value)
    stem = "sub-01" if name in ("steps", "short") else "sub-02_task-x_run-"
    assert stem in str(error.value)
    if not options:
        problems = check_folder(BIDS, root).problems
        assert any("sub-02_task-x_run-" in problem for problem in problems)


def test_every_double_and_every_damage_is_reported(root):
    first, second = (root / f"{name}_eeg.edf" for name in (FIRST, SECOND))
    for run in ("01", "001"):
        shutil.copy(first, first.with_name(first.name.replace("run-1", f"run-{run}")))
    write(first, eeg("Fp1", "Cz", "O2"))
    second.write_bytes(b"")
    problems = check_folder(BIDS, root).problems
    assert [any(text in line for line in problems) for text in ("run-01_", "run-001_")] == [
        True
    ] * 2
    assert any(f"{second}: is empty" in line for line in problems)


def test_file_that_shrinks_after_the_survey(root):
    trials = load("bids", root, cache=False)
    path = root / f"{FIRST}_eeg.edf"
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(DataError, match="is cut short"):
        list(trials)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": "clips"}, "trials must be one of"),
        ({"unit": "nV"}, "unit must be one of"),
        ({"label_range": (9, 0)}, "label_range must be"),
        ({"label_range": "0-9"}, "label_range must be"),
        ({"clip_s": 40}, "give trials='events' too"),
        ({"trials": "events", "clip_s": -1}, "clip_s must be positive"),
        ({"step_s": 0}, "step_s must be positive"),
        ({"step_s": "soon"}, "step_s must be a number"),
    ],
)
def test_impossible_options(root, options, message):
    with pytest.raises(ConfigError, match=message):
        load("bids", root, **options)
