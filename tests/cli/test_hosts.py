"""``ardoise plan``: what it prints, and what it refuses."""

import re

import pytest

from ardoise.cli import hosts
from ardoise.cluster.bench import Speed
from ardoise.cluster.cost import Computing
from ardoise.digits.recipes import RECIPES


@pytest.fixture
def measured(monkeypatch):
    """No measuring: one rank of a host with two processors is known already."""
    asked = []

    def speed(network, batch, **more):
        asked.append((network, batch, more))
        computing = Computing(1e-3, 50e-6, 1e-10, 1e-10)
        return Speed(computing, ((batch, 1.0),), 40e9)

    monkeypatch.setattr(hosts, "measure_speed", speed)
    monkeypatch.setattr(hosts, "available_threads", lambda: 2)
    return asked


def rows_of(said):
    """Return the numbers of the table."""
    lines = [line.split("  ") for line in said.out.splitlines()]
    table = [[word.strip() for word in line if word.strip()] for line in lines]
    return [row for row in table if len(row) == 7][1:]


def test_a_plan(ardoise, measured):
    given = "--params 1000000 --samples 60000 --nodes 4 --ranks-per-node 1"
    link = "--latency 1ms --bandwidth 1Gbit/s"
    said = ardoise("plan", *given.split(), *link.split(), "--lang", "en")
    assert (said.code, said.err) == (0, "")
    plain = said.out.replace("\u00a0", " ")
    for words in (
        "1,000,000 weights, 60,000 samples, 128 a step",
        "sum 4.00 MB.",
        "1.00 ms a step and 50.0 µs a sample, which is 20.0 GFLOP/s per processor",
        "as you say: 1.00 ms and 118 MB/s.",
        "One computer is enough: a second one gains less than 10%.",
    ):
        assert words in plain
    rows = rows_of(said)
    assert [row[:2] for row in rows] == [["1", "1"], ["2", "2"], ["4", "4"]]
    assert rows[0][2:5] == ["17,297", "100%", "7.40\u00a0ms"]
    # 1 + 32 · 0.05 of computing, 4 + 51 + 0.3 of the sum.
    assert rows[2][4] == "57.9\u00a0ms" and rows[2][5] == "96%"
    (_, batch, more), *_ = measured
    assert batch == 128 and more == {"threads": 2, "params": 1_000_000}


def test_a_plan_in_french(ardoise, measured):
    given = ["--recipe", "mlp", "--ranks-per-node", "4", "--nodes", "2"]
    said = ardoise("plan", *given, "--latency", "1us", "--lang", "fr")
    plain = re.sub("[\u00a0\u202f]", " ", said.out)
    assert "536 586 poids, 54 000 exemples, 128 par pas" in plain
    assert "moitié comme vous le dites, moitié par hypothèse" in plain
    assert "Il y a plus de rangs que de processeurs" in plain
    assert "ordinateurs  rangs  exemples/s  efficacité" in plain
    network, _, more = measured[0]
    assert network.n_params == 536_586
    assert more["optimizer"] == RECIPES["mlp"].optimizer and more["threads"] == 1


def test_a_large_batch_pays(ardoise, measured):
    link = "--latency 1us --bandwidth 100Gbit/s --batch-size 100000"
    said = ardoise("plan", "--params", 5000, "--nodes", 8, *link.split())
    assert "Up to 8 computers, doubling them always gains at least 10%." in said.out
    assert [row[0] for row in rows_of(said)] == ["1", "2", "4", "8"]
    assert rows_of(said)[0][1] == "2"  # a rank for each processor
    said = ardoise("plan", "--params", 5000, *link.split()[:2])
    assert re.search(r"From \d+ computers on, doubling them gains less", said.out)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            "--params 3",
            "--params: expected a whole number from 1000 to 100000000000; got 3.",
        ),
        ("--params x", None),
        ("--samples 0", "--samples: expected a whole number from 1 to"),
        ("--nodes 0", "--nodes: expected a whole number from 1 to 65536; got 0."),
        ("--ranks-per-node 0", "--ranks-per-node: expected a whole number from 1"),
        ("--batch-size -1", "--batch-size: expected a whole number from 1"),
        ("--recipe rnn", "--recipe: there is no recipe called rnn"),
        ("--recipe cnn --params 5000", "--params and --recipe both say"),
        ("--latency 3", "--latency: expected a time such as 50us, 1ms or 0.2s; got 3."),
        ("--latency -1ms", None),
        ("--bandwidth 0Gbit/s", "--bandwidth: expected a speed such as 1Gbit/s"),
        ("--bandwidth 1Gbit", "--bandwidth: expected a speed such as 1Gbit/s"),
        ("--bandwidth fast", "--bandwidth: expected a speed such as 1Gbit/s"),
    ],
)
def test_what_is_refused(ardoise, measured, given, sentence):
    said = ardoise("plan", *given.split(), "--lang", "en")
    assert (said.code, said.out) == (2, "") and measured == []
    if sentence is not None:
        assert said.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1ms", 1e-3), ("50us", 5e-5), ("2.5µs", 2.5e-6), ("0s", 0)]
)
def test_times(text, seconds):
    assert hosts.latency_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "speed"),
    [("1Gbit/s", 117.7e6), ("125MB/s", 125e6), ("56kb/s", 6590), ("2.5Gbps", 294.2e6)],
)
def test_speeds(text, speed):
    """Of the bits of a line, frames and headers take 6 %."""
    assert hosts.bandwidth_of(text) == pytest.approx(speed, rel=1e-3)


def test_short_times_and_amounts():
    said = [hosts.moment(s, "en") for s in (2.5, 0.0123, 1e-3, 52e-6, 0.0)]
    assert said == [
        f"{n}\u00a0{unit}"
        for n, unit in (
            ("2.50", "s"),
            ("12.3", "ms"),
            ("1.00", "ms"),
            ("52.0", "µs"),
            ("0.00", "µs"),
        )
    ]
    said = [hosts.amount(n, "fr") for n in (12, 2_100_000, 125e6, 3e9)]
    assert said == [
        f"{n}\u00a0{u}"
        for n, u in zip(
            ("12", "2,10", "125", "3,00"), ("o", "Mo", "Mo", "Go"), strict=True
        )
    ]
