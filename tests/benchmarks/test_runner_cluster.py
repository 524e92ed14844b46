"""A Dask cluster on loopback: the same table bit for bit, lost workers, plain errors."""

import sys
from types import SimpleNamespace

import pytest

from benchmarks.cli import main
from benchmarks.runner import cluster, finish_jobs, make_jobs, opened
from eeg_emotion_env.errors import ConfigError
from eeg_emotion_env.splits import make_split

COMMAND = [
    *("leaderboard", "--dataset", "simulated", "--option", "n_subjects=4", "--quick"),
    *("--option", "n_trials=3", "--option", "duration_scale=0.04"),
    *("--split", "grouped-k-fold", "--n-folds", "2", "--entries", "constant,ridge,gru"),
]


def local_cluster(**options):
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    known = {"host": "127.0.0.1", "dashboard_address": None, "n_workers": 2}
    return distributed.LocalCluster(**{**known, "threads_per_worker": 1, **options})


@pytest.mark.filterwarnings("ignore")
def test_the_table_is_the_same_from_one_worker_two_workers_and_a_cluster(tmp_path):
    with local_cluster() as workers:
        places = {
            "one": ("--workers", "1"),
            "two": ("--workers", "2"),
            "cluster": ("--scheduler", workers.scheduler_address),
        }
        for name, place in places.items():
            assert main([*COMMAND, *place, "--out", str(tmp_path / name)]) == 0
    for name in ("leaderboard.csv", "results.jsonl", "predictions.parquet"):
        first, *others = [(tmp_path / place / name).read_bytes() for place in places]
        assert others == [first, first], name


@pytest.mark.filterwarnings("ignore")
def test_a_job_that_takes_its_worker_along_does_not_lose_the_others(trials, tmp_path):
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    import dask

    split = make_split("leave-subject-out", [trial.key for trial in trials])
    entries = ["tests.benchmarks.test_runner_failures:Dying", "constant"]
    jobs = make_jobs(trials, split, entries, [0])
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        local_cluster() as workers,
        opened(workers.scheduler_address) as scheduler,
    ):
        assert scheduler.n_workers == 2
        results = finish_jobs(jobs, trials, tmp_path, scheduler)
    failed = [result for result in results if result.error]
    assert [str(result.job) for result in failed] == [f"{entries[0]}, fold 1, seed 0"]
    assert "the worker that ran it died" in failed[0].error


@pytest.mark.filterwarnings("ignore")
def test_workers_with_several_threads_are_refused():
    with (
        local_cluster(n_workers=1, threads_per_worker=2) as workers,
        pytest.raises(ConfigError, match="start them with --nthreads 1"),
        opened(workers.scheduler_address),
    ):
        pass


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_without_workers_is_refused(monkeypatch):
    monkeypatch.setattr(cluster, "WORKERS_S", 0.2)
    with (
        local_cluster(n_workers=0) as workers,
        pytest.raises(ConfigError, match=r"has no workers; start some with `dask worker tcp://"),
        opened(workers.scheduler_address),
    ):
        pass


@pytest.mark.filterwarnings("ignore")
def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    monkeypatch.setattr(cluster, "REACH_S", 0.5)
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1 "):
        opened("tcp://127.0.0.1:1").__enter__()


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match="pip install distributed"):
        opened("tcp://127.0.0.1:8786").__enter__()


@pytest.mark.parametrize(
    ("scheduler", "workers", "message"),
    [("slurm", None, "must be local or the address"), ("tcp://a:1", 2, "has its own workers")],
)
def test_impossible_schedulers_are_named(scheduler, workers, message):
    with pytest.raises(ConfigError, match=message):
        opened(scheduler, workers).__enter__()


class _Idle:
    """A scheduler whose workers hold no job, as after trials were lost with a worker."""

    def __init__(self):
        self.futures = []

    def scatter(self, data, broadcast):
        return data

    def submit(self, function, job, fingerprint, shared, pure):
        gone = []
        key = f"job {len(self.futures)}"
        future = SimpleNamespace(key=key, gone=gone, done=lambda: bool(gone))
        self.futures.append(future)
        return future

    def processing(self):
        return {"tcp://worker": ()}

    def cancel(self, futures):
        for future in futures:
            future.gone.append(True)


def test_jobs_that_no_worker_has_are_lost_and_not_waited_for(monkeypatch):
    monkeypatch.setattr(cluster, "STALL_S", 0.05)
    monkeypatch.setattr(cluster, "POLL_S", 0.01)
    jobs = [SimpleNamespace(fingerprint=name) for name in "ab"]
    settled = list(cluster.DaskCluster(_Idle(), 1)._settled(jobs, []))
    assert [job.fingerprint for job, _ in settled] == ["a", "b"]
    assert all(future.gone for _, future in settled)
