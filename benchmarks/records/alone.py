"""A recipe in Ardoise, doing what `benchmarks.records_torch` does and nothing more.

Read MNIST, train, read the test images: a whole process without validation, pictures
and report. Usage: ``python -m benchmarks.records.alone SETTINGS``, JSON with
``recipe``, ``seed``, ``epochs`` (or null) and ``n_test``. Prints one line of JSON.
"""

import json
import sys
from dataclasses import replace

from ardoise.cli.plan import TrainOptions, make_plan
from ardoise.cli.terminal import Terminal
from ardoise.digits.planning import learn
from ardoise.engine.evaluation import evaluate


def run(*, recipe: str, seed: int, epochs: int | None, n_test: int) -> dict[str, int]:
    """Train, and count right answers of the test images."""
    options = TrainOptions(recipe, "mnist", None, epochs, None, None, seed, None, None)
    terminal = Terminal("en")
    terminal.out.quiet = terminal.err.quiet = True
    plan = replace(make_plan(options, terminal), validation=None)
    learn(plan)
    test = plan.test
    found = evaluate(plan.networks[0], test.images[:n_test], test.labels[:n_test])
    return {"correct": found.correct, "total": found.total}


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
