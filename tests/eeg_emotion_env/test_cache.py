"""The feature cache: the same arrays, fewer reads, and nothing wrong whatever happens to it."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from eeg_emotion_env import cache as cache_module
from eeg_emotion_env.cache import FeatureCache, default_cache, entry_key
from eeg_emotion_env.datasets import load
from eeg_emotion_env.datasets.mahnob import MAHNOBReader
from eeg_emotion_env.datasets.matreaders import MatEEG, MatFeatures
from eeg_emotion_env.errors import DataWarning
from eeg_emotion_env.features import FeatureConfig
from eeg_emotion_env.trial import TrialKey
from tests.eeg_emotion_env import writers

pytestmark = pytest.mark.filterwarnings("ignore:.*not as long as the")
FILE = Path("Preprocessed_EEG") / "1_20131027.mat"


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("EEG_EMOTION_CACHE", str(tmp_path / "store"))
    return FeatureCache(tmp_path / "store")


@pytest.fixture
def root(tmp_path):
    writers.write_seed(tmp_path / "S", subjects=(1,), sessions=(1, 2))
    return tmp_path / "S"


def features(root, **options):
    return [trial.features for trial in load("seed", root, **options)]


def assert_same(one, two):
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def count_reads(monkeypatch):
    reads = []
    read = MatEEG.signal
    monkeypatch.setattr(MatEEG, "signal", lambda self, key: reads.append(key) or read(self, key))
    return reads


@pytest.mark.parametrize("normalization", ["none", "past", "subject"])
def test_second_time_nothing_is_read(root, store, monkeypatch, normalization):
    plain = features(root, normalization=normalization, cache=False)
    first = features(root, normalization=normalization)
    reads = count_reads(monkeypatch)
    second = features(root, normalization=normalization)
    assert reads == []
    assert_same(plain, first)
    assert_same(plain, second)
    assert all(not array.flags.writeable for array in second)


def test_content_counts_not_place_or_name(root, store, monkeypatch, tmp_path):
    before = features(root)
    moved = tmp_path / "elsewhere"
    shutil.copytree(root, moved)
    reads = count_reads(monkeypatch)
    assert_same(before, features(moved))
    assert reads == []


def test_changed_content_is_read_though_size_and_time_are_the_same(root, store, monkeypatch):
    monkeypatch.setattr(cache_module, "SETTLED_S", -1.0)  # remember fingerprints at once
    before = features(root)
    assert list(store.folder.glob("fingerprints/*"))
    stat = (root / FILE).stat()
    content = {k: v for k, v in loadmat(root / FILE).items() if not k.startswith("__")}
    content["djc1_eeg1"] = content["djc1_eeg1"][::-1]
    savemat(root / FILE, content)
    os.utime(root / FILE, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (root / FILE).stat().st_size == stat.st_size
    after = features(root)
    assert not np.array_equal(before[0], after[0])
    assert_same(after, features(root, cache=False))


def test_options_that_change_features_have_entries_of_their_own(root, store):
    features(root)
    n_entries = len(store.entries())
    features(root, step_s=0.5)
    assert len(store.entries()) == 2 * n_entries
    # What decides labels alone does not.
    labels = root / "annotations.csv"
    labels.write_text("stimulus,time_s,valence,arousal\n1,1,0.5,0.5\n1,2,0.25,0.75\n")
    assert load("seed", root, step_s=0.5)[0].labels[1, 0] == 0.5
    assert len(store.entries()) == 2 * n_entries


def test_other_code_has_entries_of_its_own(monkeypatch):
    before = entry_key(["a"], {"step_s": 1})
    assert before == entry_key(["a"], {"step_s": 1})
    assert before != entry_key(["a"], {"step_s": 2})
    assert before != entry_key(["b"], {"step_s": 1})
    monkeypatch.setattr(cache_module, "code_fingerprint", lambda: "other")
    assert before != entry_key(["a"], {"step_s": 1})


def damage(path, how):
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(
        {
            "cut": content[:middle],
            "empty": b"",
            "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "longer": content + b"\0" * 8,
        }[how]
    )


@pytest.mark.parametrize("how", ["cut", "empty", "flipped", "longer"])
@pytest.mark.parametrize("name", ["features.npy", "entry.json"])
def test_damaged_entries_are_built_anew(root, store, how, name):
    before = [array.copy() for array in features(root)]  # not mapped: files will be cut
    for entry in store.entries():
        damage(store.folder / entry.key / name, how)
    assert_same(before, features(root))
    assert_same(before, features(root))
    assert len(store.entries()) == 2
    assert not list(store.folder.glob(".building-*"))


@pytest.mark.parametrize("name", ["features.npy", "entry.json"])
def test_half_an_entry_is_built_anew(root, store, name):
    before = features(root)
    (store.folder / store.entries()[0].key / name).unlink()
    assert_same(before, features(root))
    assert len(store.entries()) == 2


def test_fingerprints_are_remembered_once_a_file_has_settled(root, store, monkeypatch):
    monkeypatch.setattr(cache_module, "SETTLED_S", -1.0)
    first = store.fingerprint(root / FILE)
    monkeypatch.setattr(cache_module.hashlib, "file_digest", None)  # would fail if it were called
    assert store.fingerprint(root / FILE) == first


def test_fingerprint_of_a_file_just_written_is_not_remembered(root, store):
    store.fingerprint(root / FILE)
    assert not list(store.folder.glob("fingerprints/*"))


def test_off(root, tmp_path, monkeypatch):
    monkeypatch.setenv("EEG_EMOTION_CACHE", "OFF")
    assert default_cache() is None
    assert len(features(root)) == 30


def test_unwritable_cache_warns_once_and_goes_on(root, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EEG_EMOTION_CACHE", str(tmp_path / "file" / "below"))
    with pytest.warns(DataWarning, match="cannot be written") as warned:
        cached = features(root)
    assert len([w for w in warned if "cannot be written" in str(w.message)]) == 1
    assert_same(cached, features(root, cache=False))


def test_clear_removes_what_the_cache_made_and_nothing_else(root, store):
    store.folder.mkdir()
    (store.folder / "thesis.tex").write_text("years of work")
    (store.folder / "SEED").mkdir()
    (store.folder / "SEED" / "entry.txt").write_text("data")
    features(root)
    assert store.clear() == 2
    assert (store.folder / "thesis.tex").read_text() == "years of work"
    assert sorted(path.name for path in store.folder.iterdir()) == ["SEED", "thesis.tex"]


def test_clear_behind_a_link(root, tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("EEG_EMOTION_CACHE", str(tmp_path / "link"))
    features(root)
    assert default_cache().clear() == 2
    assert not list((tmp_path / "real").iterdir())


def test_entries_are_as_open_as_the_mask_allows(root, store):
    before = os.umask(0o027)
    try:
        features(root)
    finally:
        os.umask(before)
    assert (store.folder / store.entries()[0].key).stat().st_mode & 0o777 == 0o750


def test_entries_of_other_code_go_when_they_are_old(root, store, monkeypatch):
    features(root)
    old = time.time() - 2 * cache_module.UNUSED_S
    monkeypatch.setattr(cache_module, "code_fingerprint", lambda: "other")
    features(root)
    assert len(store.entries()) == 4
    for entry in store.entries():
        os.utime(store.folder / entry.key, (old, old))
    features(root)
    assert len(store.entries()) == 2
    assert all(entry.is_current for entry in store.entries())


def test_a_file_that_changes_while_it_is_read_leaves_no_entry(root, store, monkeypatch):
    """Read B under the fingerprint of A, and A must not be served B's features later."""
    path = root / FILE
    a = path.read_bytes()
    content = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
    savemat(path, {name: values[::-1] for name, values in content.items()})
    b = path.read_bytes()
    path.write_bytes(a)
    plain = features(root, cache=False)
    read = MatEEG.signal

    def swapped(self, key):
        path.write_bytes(b)
        return read(self, key)

    with monkeypatch.context() as patch:
        patch.setattr(MatEEG, "signal", swapped)
        features(root)
    path.write_bytes(a)
    assert_same(plain, features(root))


def test_too_many_open_files_cost_no_entry(root, store, monkeypatch):
    before = [array.copy() for array in features(root)]

    def exhausted(stream):
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "_checksum", exhausted)
        for entry in store.entries():
            assert store.load(entry.key) is None
    assert len(store.entries()) == 2
    assert_same(before, features(root))


def test_small_entries_keep_no_file_open(root, store):
    features(root)
    n_open = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    kept = [load("seed", root) for _ in range(5)]
    for trials in kept:
        list(trials)
    assert not n_open or len(os.listdir("/proc/self/fd")) <= n_open + 1


def readers():
    """One reader of each kind, with every field that could change the features."""
    key = TrialKey("seed", 1, 1, 1, "clip01")
    config = FeatureConfig()
    channels = writers.CHANNELS_62
    return [
        MatEEG(config, channels, Path("x"), {key: "a"}, 200.0, 62, None, "uV"),
        MatFeatures(Path("x"), {key: "a"}, "cwb", channels, ("a",), 1.0, 1, False, True),
        MAHNOBReader({key: Path("x")}, 4),
    ]


OTHERS = {
    "config": FeatureConfig(step_s=2.0, window_s=2.0),
    "variables": {TrialKey("seed", 1, 1, 1): "b"},
    "sfreq": 250.0,
    "rows": (1, 0),
    "unit": "mV",
    "axes": "wbc",
    "width": 2,
    "is_power": True,
}
IMPLIED = {"path", "paths", "causal", "n_stored", "window_s", "channels", "bands"}
"""Fields that change no number of a given file, or only together with others."""


@pytest.mark.parametrize("reader", readers(), ids=lambda reader: type(reader).__name__)
def test_all_that_decides_features_is_in_the_key(reader):
    for item in fields(reader):
        if item.name in IMPLIED or not item.init:
            continue
        other = replace(reader, **{item.name: OTHERS[item.name]})
        assert other.configuration() != reader.configuration(), item.name


def test_code_fingerprint_follows_the_code(tmp_path, monkeypatch):
    before = cache_module.code_fingerprint()
    copy = shutil.copytree(Path(cache_module.__file__).parent, tmp_path / "package")
    monkeypatch.setattr(cache_module, "__file__", str(copy / "cache.py"))
    assert cache_module.code_fingerprint.__wrapped__() == before
    for place in ("features.py", "normalization.py", "matfile.py", "datasets/matreaders.py"):
        (copy / place).write_text((copy / place).read_text() + "\n")
        after = cache_module.code_fingerprint.__wrapped__()
        assert after != before
        before = after


def test_entries_and_clear(root, store):
    features(root)
    entries = store.entries()
    assert sorted(Path(entry.origin).name for entry in entries) == [
        "1_20131027.mat",
        "1_20131030.mat",
    ]
    assert all(entry.size > 15 * 3 * 62 * 5 * 4 for entry in entries)
    assert store.clear() == 2
    assert store.entries() == []
    assert not store.folder.exists()


def test_leftovers_of_killed_processes_are_tidied_away(root, store):
    for name, age in ((".building-old", 2 * cache_module.STALE_S), (".building-new", 0)):
        (store.folder / name).mkdir(parents=True)
        os.utime(store.folder / name, (time.time() - age,) * 2)
    features(root)
    assert not (store.folder / ".building-old").exists()
    assert (store.folder / ".building-new").exists()


WORKER = """
import sys, warnings
import numpy as np
warnings.simplefilter("ignore")
from eeg_emotion_env.datasets import load
import scipy.io
root, expected = sys.argv[1:]
truth = np.load(expected)
sys.stdout.write("ready\\n"); sys.stdout.flush()
for store in sys.stdin:
    import os
    os.environ["EEG_EMOTION_CACHE"] = store.strip()
    pid = os.fork()  # a child of its own for each round: it starts at once, and may be killed
    if pid == 0:
        got = np.concatenate([t.features for t in load("seed", root)])
        os._exit(0 if np.array_equal(got, truth) else 3)
    sys.stdout.write(f"{pid}\\n"); sys.stdout.flush()
    _, status = os.waitpid(pid, 0)
    sys.stdout.write(f"{status}\\n"); sys.stdout.flush()
"""


def test_two_processes_of_which_one_is_killed(root, tmp_path):
    """Fifty times: both start on an empty cache, one dies at a random moment."""
    truth = tmp_path / "truth.npy"
    np.save(truth, np.concatenate(features(root, cache=False)))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(root), str(truth)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        killed = sum(_round(workers, tmp_path / f"store{n}", random.Random(n)) for n in range(50))
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert killed >= 10, "the delays must fall into the time that building takes"


def _round(workers, store, rng):
    """One round: the survivor, and one more process after it, must see the right arrays."""
    pids = []
    for worker in workers:
        worker.stdin.write(f"{store}\n")
        worker.stdin.flush()
        pids.append(int(worker.stdout.readline()))
    time.sleep(rng.uniform(0, 0.15))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pids[0], signal.SIGKILL)
    statuses = [int(worker.stdout.readline()) for worker in workers]
    assert statuses[0] in (0, signal.SIGKILL)
    assert statuses[1] == 0
    for worker in workers[:1]:
        worker.stdin.write(f"{store}\n")
        worker.stdin.flush()
        worker.stdout.readline()
        assert int(worker.stdout.readline()) == 0
    shutil.rmtree(store)
    return statuses[0] == signal.SIGKILL
