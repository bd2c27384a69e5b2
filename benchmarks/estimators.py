"""``python -m benchmarks.estimators``: our MLP estimators beside scikit-learn's.

The same data, parameters and ``random_state``, ten seeds each, one after the other in
one process; scikit-learn counts with the better of one and all BLAS threads. Prints a
Markdown table: times to `fit`, and scores.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from statistics import mean, median, stdev
from typing import Any, NamedTuple

import numpy as np
from sklearn import datasets, neural_network
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import ardoise
from ardoise.digits.mnist import load_mnist
from ardoise.engine.threads import available_threads
from benchmarks import machine

Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Problem(NamedTuple):
    """Data, and the estimator that is fitted to them.

    Attributes
    ----------
    name : str
    load : callable
        Returns X and y for training, X and y for testing.
    kind : str
        The name of the class in both libraries.
    settings : mapping
        Parameters that are not defaults.
    """

    name: str
    load: Callable[[], Data]
    kind: str
    settings: dict[str, Any]


class Fit(NamedTuple):
    """What one fit came to."""

    seconds: float
    score: float
    epochs: int


def main(argv: Sequence[str] | None = None) -> int:
    """Run the problems that are asked for and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", nargs="*", choices=[p.name for p in PROBLEMS])
    parser.add_argument("--mnist-seeds", type=int, default=3)
    options = parser.parse_args(argv)
    here = machine.describe()
    busy = machine.busy_warning(here["load_average"], here["usable_processors"])
    if busy:
        print(f"Warning: {busy}.", file=sys.stderr)
    print("| data | estimator | faster | time to fit, scikit-learn | ours |", end="")
    print(" scikit-learn's score | ours | difference | epochs |")
    print("|---|---|---|---|---|---|---|---|---|")
    for problem in PROBLEMS:
        if options.only is None or problem.name in options.only:
            seeds = options.mnist_seeds if "MNIST" in problem.name else options.seeds
            print(row(problem, list(race(problem, seeds))), flush=True)
    print(f"\n{here['cpu']}, {here['usable_processors']} processors, ", end="")
    print(f"Python {here['python']}, NumPy {np.__version__}, ", end="")
    print(f"scikit-learn {here['packages']['scikit-learn']}.")
    return 0


def race(problem: Problem, seeds: int) -> Iterator[tuple[list[Fit], Fit]]:
    """Yield scikit-learn's fits, with one thread and with all, and ours, per seed."""
    data = problem.load()
    theirs, ours = (getattr(m, problem.kind) for m in (neural_network, ardoise))
    for seed in range(seeds):
        fits = []
        for threads in {1, available_threads()}:
            with threadpool_limits(threads):
                fits.append(fit(theirs, problem.settings, seed, data))
        yield fits, fit(ours, problem.settings, seed, data)
        print(f"{problem.name}: seed {seed + 1} of {seeds}", file=sys.stderr)


def fit(kind: Any, settings: dict[str, Any], seed: int, data: Data) -> Fit:
    X, y, X_test, y_test = data
    model = kind(random_state=seed, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = time.perf_counter()
        model.fit(X, y)
        seconds = time.perf_counter() - started
    return Fit(seconds, model.score(X_test, y_test), model.n_iter_)


def row(problem: Problem, results: Sequence[tuple[list[Fit], Fit]]) -> str:
    """Return a line of the table."""
    ours = [mine for _, mine in results]
    # The better of its thread counts, over all seeds.
    columns = zip(*(theirs for theirs, _ in results), strict=True)
    theirs = min((list(c) for c in columns), key=lambda c: median(f.seconds for f in c))
    scores = [[f.score for f in fits] for fits in (theirs, ours)]
    spread = [stdev(s) if len(s) > 1 else 0.0 for s in scores]
    times = [median(f.seconds for f in fits) for fits in (theirs, ours)]
    ratios = [a.seconds / b.seconds for a, b in zip(theirs, ours, strict=True)]
    settings = ", ".join(f"{k}={v!r}" for k, v in problem.settings.items())
    cells = [
        problem.name,
        f"`{problem.kind}({settings})`",
        f"**{median(ratios):.2f} ×** ({min(ratios):.2f} – {max(ratios):.2f})",
        f"{times[0]:.3g} s",
        f"{times[1]:.3g} s",
        f"{mean(scores[0]):.4f} ± {spread[0]:.4f}",
        f"{mean(scores[1]):.4f} ± {spread[1]:.4f}",
        f"{mean(scores[1]) - mean(scores[0]):+.1e}",
        f"{median(f.epochs for f in theirs):g} · {median(f.epochs for f in ours):g}",
    ]
    return f"| {' | '.join(cells)} |"


def split(X: np.ndarray, y: np.ndarray) -> Data:
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), y, scaler.transform(X_test), y_test


def bundled(load: Callable[..., Any]) -> Callable[[], Data]:
    return lambda: split(*load(return_X_y=True))


def houses() -> Data:
    """Return 20,640 samples of 8 features, as the Californian houses have, made up."""
    X, y = datasets.make_friedman1(20_640, n_features=8, noise=1.0, random_state=0)
    return split(X, y)


def labels() -> Data:
    X, y = datasets.make_multilabel_classification(
        2000, n_features=20, n_classes=5, random_state=0
    )
    return split(X, y)


def mnist() -> Data:
    data = load_mnist()
    X = (data.images.reshape(len(data.images), -1) / np.float32(255)).astype("f4")
    return X[:60_000], data.labels[:60_000], X[60_000:], data.labels[60_000:]


PROBLEMS = [
    Problem("digits", bundled(datasets.load_digits), "MLPClassifier", {}),
    Problem("breast cancer", bundled(datasets.load_breast_cancer), "MLPClassifier", {}),
    Problem("wine", bundled(datasets.load_wine), "MLPClassifier", {}),
    Problem("houses (synthetic)", houses, "MLPRegressor", {}),
    Problem("labels (synthetic)", labels, "MLPClassifier", {}),
    Problem("MNIST, float32", mnist, "MLPClassifier", {}),
]

if __name__ == "__main__":
    sys.exit(main())
