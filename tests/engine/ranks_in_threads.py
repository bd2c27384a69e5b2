"""A communicator of threads, with the methods of MPI's that training uses."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np


class Communicator:
    """One rank of several threads; `together` makes them."""

    def __init__(self, rank, size, table, barrier):
        self._rank, self._size = rank, size
        self._table, self._barrier = table, barrier

    def Get_rank(self):
        return self._rank

    def Get_size(self):
        return self._size

    def allgather(self, value):
        # As bytes, or one rank could change what another has not yet read.
        self._table[self._rank] = pickle.dumps(value)
        self._barrier.wait()
        everything = [pickle.loads(each) for each in self._table]
        self._barrier.wait()
        return everything

    def bcast(self, value, root):
        return self.allgather(value)[root]

    def Barrier(self):
        self._barrier.wait()

    def Allreduce(self, mine, total):
        mine = total if mine is None else mine
        total[...] = np.sum(self.allgather(mine), axis=0)


def together(size, do):
    """Return what ``do(communicator)`` returns on each of so many ranks."""
    # A rank that fails would leave the others waiting.
    barrier, table = threading.Barrier(size, timeout=30), [None] * size

    def run(rank):
        try:
            return do(Communicator(rank, size, table, barrier))
        except BaseException:
            barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        ranks = [pool.submit(run, rank) for rank in range(size)]
    errors = [r.exception() for r in ranks if r.exception() is not None]
    for error in errors:
        if not isinstance(error, threading.BrokenBarrierError):
            raise error
    return [rank.result() for rank in ranks]
