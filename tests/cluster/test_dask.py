"""Searches on a Dask cluster of two workers: the scores of here, whoever dies there."""

import os
import signal
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    cross_val_score,
    cross_validate,
)

from ardoise import ConvClassifier, MLPClassifier
from ardoise.cluster.dask import Resilient
from ardoise.digits import load_mnist
from ardoise.digits.members import learn_members
from ardoise.digits.planning import learn, plan_of
from ardoise.digits.recipes import RECIPES
from ardoise.engine.ensemble import members
from ardoise.engine.threads import available_threads
from ardoise.estimators.threads import default_threads
from ardoise.files import load_model
from tests.pages import blocks_of, execute

distributed = pytest.importorskip(
    "distributed", reason='Dask is missing: pip install "ardoise[dask]"'
)
joblib = pytest.importorskip("joblib")

pytestmark = pytest.mark.filterwarnings("ignore:Stochastic Optimizer")

X, Y = load_digits(return_X_y=True)
X, Y = (X[:600] / 16).astype(np.float32), Y[:600]
# One thread here as there: by another number, sums are added in another order.
SETTINGS = {"max_iter": 5, "learning_rate_init": 0.01, "random_state": 0, "threads": 1}
MLP = MLPClassifier(32, **SETTINGS)
CONV = ConvClassifier(
    (4,), image_shape=(8, 8, 1), max_iter=2, random_state=0, threads=1
)
GRID = {"alpha": [0.0, 1e-3, 1e-2, 0.1]}


@pytest.fixture(scope="module")
def client():
    """A client of two worker processes, with one thread each."""
    # In the workers, where a warning is no error.
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address=":0",
    ) as cluster:
        with distributed.Client(cluster) as client:
            yield client


@pytest.fixture
def on_cluster(client):
    """Joblib's context."""
    with joblib.parallel_config("dask", client=Resilient(client)):
        yield


def same_scores(search, before):
    """Assert that all scores of all splits are equal, to the bit."""
    names = [name for name in before if name.endswith("_test_score")]
    assert len(names) >= 5
    for name in names:
        np.testing.assert_array_equal(search.cv_results_[name], before[name])


def searched(search):
    return search.fit(X, Y).cv_results_


@pytest.mark.parametrize("wrap", [lambda client: client, Resilient])
def test_a_grid_search_has_the_scores_of_here(client, wrap):
    search = GridSearchCV(MLP, GRID, cv=3, error_score="raise")
    here = searched(search)
    with joblib.parallel_config("dask", client=wrap(client)):
        searched(search)
    same_scores(search, here)
    assert search.score(X, Y) > 0.8


def test_halving_has_the_scores_of_here(on_cluster):
    search = HalvingRandomSearchCV(
        CONV,
        {"alpha": [0.0, 0.1, 1.0], "filters": [(3,), (5,)]},
        n_candidates=6,
        min_resources=100,
        cv=3,
        random_state=0,
    )
    with joblib.parallel_config("sequential"):
        here = searched(search)
    searched(search)
    same_scores(search, here)


def test_cross_validation_has_the_scores_of_here(on_cluster):
    with joblib.parallel_config("sequential"):
        here = cross_val_score(MLP, X, Y, cv=4)
    np.testing.assert_array_equal(cross_val_score(MLP, X, Y, cv=4), here)


def test_fitted_estimators_come_back(on_cluster):
    found = cross_validate(MLP, X, Y, cv=3, return_estimator=True)
    for model, score in zip(found["estimator"], found["test_score"], strict=True):
        assert abs(model.score(X, Y) - score) < 0.2
        assert np.shares_memory(model.coefs_[0], model.network_.theta)


def received(client):
    """Return how many bytes each worker has had from the other."""

    def here(dask_worker):
        return sum(entry["total"] for entry in dask_worker.transfer_incoming_log)

    return client.run(here)


@pytest.mark.parametrize("scattered", [False, True])
def test_data_go_to_each_worker_once(client, scattered, monkeypatch):
    """Not with each of 12 tasks.

    X leaves this process twice: it goes to the scheduler, which is here, too, and from
    there to one worker. The other one has it from that worker.
    """
    from distributed.comm.tcp import TCP

    sent, write = [], TCP.write

    async def count(comm, *args, **kwargs):
        sent.append(await write(comm, *args, **kwargs))
        return sent[-1]

    monkeypatch.setattr(TCP, "write", count)
    x, y = np.tile(X, (10, 4)), np.tile(Y, 10)
    before = received(client)
    search = GridSearchCV(MLP, GRID, cv=3, refit=False)
    options = {"scatter": [x, y]} if scattered else {}
    with joblib.parallel_config("dask", client=Resilient(client), **options):
        search.fit(x, y)
    assert 2 * x.nbytes < sum(sent) < 2.3 * x.nbytes
    after = received(client)
    between = sum(after[worker] - before[worker] for worker in before)
    # Twice at most: Dask's memory manager may drop the copy of a worker that idles.
    assert between < 2.2 * x.nbytes


def test_a_task_has_its_share_of_the_processors(client):
    with joblib.parallel_config("dask"):
        seen = joblib.Parallel()(joblib.delayed(default_threads)() for _ in range(4))
    assert set(seen) == {1}  # the nanny says so, in OMP_NUM_THREADS
    assert client.submit(default_threads, pure=False).result() == 1


@pytest.mark.parametrize("tasks", [1, 2, 99])
def test_tasks_of_one_worker_share_what_it_has(tasks, monkeypatch):
    """One without a nanny, which says nothing."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    share = max(1, available_threads() // tasks)
    with distributed.Client(
        processes=False,
        n_workers=1,
        threads_per_worker=tasks,
        dashboard_address=":0",
        set_as_default=False,
    ) as client:
        assert client.submit(default_threads).result() == share
        with joblib.parallel_config("dask", client=client):
            assert joblib.Parallel()([joblib.delayed(default_threads)()]) == [share]
    assert default_threads() == available_threads()


@pytest.mark.parametrize("times", [1, 2])
def test_a_lost_worker_costs_its_task_only(client, tmp_path, times):
    """A worker is killed in the middle of a task, and then another one.

    The second may be the other one, or that which has taken the place of the first.
    """

    class Mortal(MLPClassifier):
        def fit(self, X, y):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                super().fit(X, y)
            left = times - len(os.listdir(tmp_path))
            if self.alpha in (1e-3, 1e-2) and left > 0:
                mark = tmp_path / f"{self.alpha}"
                if not mark.exists():
                    mark.write_text(str(os.getpid()))
                    os.kill(os.getpid(), signal.SIGKILL)
            return self

    model = Mortal(32, **SETTINGS)
    search = GridSearchCV(model, GRID, cv=3, error_score="raise", refit=False)
    here = GridSearchCV(MLP, GRID, cv=3, refit=False).fit(X, Y).cv_results_
    client.wait_for_workers(2)
    with joblib.parallel_config("dask", client=Resilient(client)):
        searched(search)
    same_scores(search, here)
    client.wait_for_workers(2)
    died = {int(mark.read_text()) for mark in tmp_path.iterdir()}
    assert len(died) == times
    assert not died & {*client.run(os.getpid).values()}


def test_members_have_the_weights_of_here(on_cluster):
    settings = {"members": 3, "epochs": 1, "batch_size": 50, "validation": 40}
    recipe = replace(RECIPES["best"], **settings)
    data = load_mnist().subset(np.arange(0, 10000, 40))
    here, there = (
        plan_of(recipe, data, "mnist", "70/15/15", 0, threads=1) for _ in "ab"
    )
    for i in range(3):
        learn(here, member=i)
    histories = learn_members(there)
    assert [len(history) for history in histories] == [1, 1, 1]
    for a, b in zip(here.networks, there.networks, strict=True):
        np.testing.assert_array_equal(a.theta, b.theta)
        np.testing.assert_array_equal(a.state, b.state)


@pytest.mark.filterwarnings("ignore:Port 8787")
def test_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    page = "en/how-to/cluster-search.md"
    execute(page, *blocks_of(page))
    assert "{'hidden_layer_sizes': (" in capsys.readouterr().out
    assert len(members(load_model("best.safetensors").network)) == 2
