"""Which rank a process is, from what launchers leave in the environment."""

import pytest

from ardoise.cluster.launched import launched, trains


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({}, None),
        ({"PMI_RANK": "2", "PMI_SIZE": "4"}, (2, 4)),
        ({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}, (0, 2)),
        ({"PMIX_RANK": "1", "PMIX_SIZE": "3"}, (1, 3)),
        ({"PMIX_RANK": "1", "SLURM_NTASKS": "3"}, (1, 3)),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "3"}, None),  # a batch script
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


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ("train --epochs 3", True),
        ("--lang fr train", True),
        ("--lang=fr train", True),
        ("--lang", False),
        ("", False),
        ("predict train", False),
        ("--lang train predict", False),
    ],
)
def test_a_training_is_asked_for_after_the_language_too(arguments, answer):
    assert trains(arguments.split()) == answer
