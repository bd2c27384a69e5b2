"""A client of Dask that can lose any worker, for joblib.

joblib gives each large argument of its tasks to one worker of Dask, from which the
others fetch it. What was given in this way is gone with that worker, and so is the
search: Dask can repeat tasks, not gifts. (Its memory manager drops all copies but one
within two seconds.) Here a gift is the result of a task, which Dask repeats like any
other.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable
from typing import Any

# joblib gives whole arrays, and Dask warns of tasks that hold more than 10 MB.
LARGE = "distributed.admin.large-graph-warning-threshold"


class Resilient:
    """A client that joblib takes in place of another: ``client=Resilient(client)``.

    Data go to the scheduler once, from there to the first worker that needs them, and
    from worker to worker; the scheduler keeps them, too, to send them again.

    Parameters
    ----------
    client : distributed.Client
        Whatever else is asked of this object, that one does.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def scatter(
        self, data: Any, *, asynchronous: bool = False, **_: Any
    ) -> Any | Awaitable[Any]:
        """Return the future of an object; of a list, those of its items.

        Parameters
        ----------
        data : object or list
        asynchronous : bool
            Whether the answer is to be awaited, as joblib asks.
        **_
            What else ``distributed.Client.scatter`` knows means nothing here.
        """
        if isinstance(data, list | tuple):
            futures: Any = [self._give(each) for each in data]
        else:
            futures = self._give(data)
        return _later(futures) if asynchronous else futures

    def _give(self, thing: Any) -> Any:
        import dask

        key = f"{type(thing).__name__}-{uuid.uuid4().hex}"
        with dask.config.set({LARGE: "1 PB"}):
            return self._client.submit(given, thing, key=key)


def given(thing: Any) -> Any:
    """Return what was given: the task whose result it is."""
    return thing


async def _later(result: Any) -> Any:
    return result
