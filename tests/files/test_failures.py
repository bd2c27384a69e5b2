"""``make evidence``, shortly: calls that fail, a limit on files, a full disk."""

import os

import pytest

from tests.evidence.failures import fail_at_each_call, full_disk, limited_files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX only")


def test_a_call_that_fails_loses_nothing(tmp_path):
    assert fail_at_each_call(tmp_path) > 80


def test_files_that_may_not_grow(tmp_path):
    limited_files(tmp_path)


def test_a_full_disk(tmp_path):
    if not full_disk(tmp_path):
        pytest.skip("it takes root to mount one")
