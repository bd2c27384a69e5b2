"""Which rank a process is, from what launchers leave in the environment."""

import pytest

from ardoise.cluster.launched import launched


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({}, None),
        ({"PMI_RANK": "2", "PMI_SIZE": "4"}, (2, 4)),
        ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}, (0, 2)),
        ({"PMIX_RANK": "1", "PMIX_SIZE": "3"}, (1, 3)),
        ({"PMI_RANK": "0", "PMI_SIZE": "1"}, None),  # alone
        ({"PMI_RANK": "4", "PMI_SIZE": "4"}, None),
        ({"PMI_RANK": "-1", "PMI_SIZE": "4"}, None),
        ({"PMI_RANK": "two", "PMI_SIZE": "4"}, None),
        ({"PMI_RANK": "2"}, None),
        ({"PMI_RANK": "1", "PMI_SIZE": "9" * 5000}, None),
    ],
)
def test_the_rank_stands_in_the_environment(environ, place):
    assert launched(environ) == place
