"""What the tests of this room share."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from ardoise.digits import DataError
from ardoise.messages import LANGUAGES


@pytest.fixture(scope="session")
def refuses() -> Callable[..., AbstractContextManager[None]]:
    """Expect a DataError: its key, one line in each language, and words in it."""

    @contextmanager
    def check(key: str, *words: object) -> Iterator[None]:
        with pytest.raises(DataError) as caught:
            yield
        assert caught.value.key == key, str(caught.value)
        for lang in LANGUAGES:
            assert "\n" not in caught.value.sentence(lang)
        for word in words:
            assert str(word) in str(caught.value)

    return check


@pytest.fixture(scope="session")
def within() -> Callable[[int], AbstractContextManager[None]]:
    """Expect that Python and NumPy never hold more than so many megabytes more."""

    @contextmanager
    def check(megabytes: int) -> Iterator[None]:
        tracemalloc.start()
        try:
            yield
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < megabytes * 2**20

    return check
