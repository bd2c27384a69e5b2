"""What a step of training allocates once it is under way, as tracemalloc counts."""

import tracemalloc

from ardoise import Callback, Training, fit
from benchmarks.contestants import architecture
from benchmarks.contestants.data import read_mnist
from benchmarks.contestants.train_ardoise import build

WARM_UP_STEPS = 10
STEPS = 20


class Watch(Callback):
    """Counts new memory from the end of one step to the end of another."""

    peak = -1

    def on_batch_end(self, training: Training) -> None:
        if training.step == WARM_UP_STEPS:
            tracemalloc.start()
            self.before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
        elif training.step == WARM_UP_STEPS + STEPS:
            self.peak = tracemalloc.get_traced_memory()[1] - self.before
            tracemalloc.stop()
            training.stop()


def run(*, network: str, batch: int, seed: int) -> dict[str, float]:
    """Return the peak of what is allocated in `STEPS` steps, in bytes, and the limit.

    The limit is one array of batch × the widest layer's outputs.
    """
    (x, y), _ = read_mnist((WARM_UP_STEPS + STEPS) * batch, 0)
    x = x.reshape(-1, *architecture.input_shape(network))
    watch = Watch()
    model = build(network, seed)
    fit(model, x, y, epochs=1, batch_size=batch, seed=seed, callbacks=[watch])
    return {
        "allocated_bytes": watch.peak,
        "limit_bytes": batch * architecture.widest(network) * 4,
    }
