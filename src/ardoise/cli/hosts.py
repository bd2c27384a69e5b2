"""``ardoise plan``: what a training would gain from more hosts, and where that ends."""

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from ardoise.cli.ranks import Together
from ardoise.cli.terminal import Terminal
from ardoise.cluster.bench import (
    FEWEST_PARAMS,
    Links,
    Speed,
    in_turns,
    measure_links,
    measure_speed,
    network_of,
)
from ardoise.cluster.cost import (
    GAIN,
    PAYLOAD,
    Cluster,
    Link,
    Work,
    enough,
    hosts_to,
    predict,
)
from ardoise.digits.recipes import DEFAULT_RECIPE, RECIPES
from ardoise.engine.network import Network
from ardoise.engine.threads import available_threads
from ardoise.messages import OptionError
from ardoise.plots.numbers import NO_BREAK_SPACE, decimal, duration, integer, percent

MOST_PARAMS, MOST = 10**11, 10**9
SHAPE, CLASSES, SAMPLES, SHARE = (28, 28, 1), 10, 60_000, 0.9
BATCH = 128
# What is taken where nothing is given or measured: Ethernet as most institutes have it.
USUAL = Link(latency=50e-6, bandwidth=125e6 * PAYLOAD)
HAND_OVER = 1e-6  # seconds between two ranks of a host, each with a processor
# Between two that have not: 4 ranks of MPICH on 2 processors took 0.2 to 0.6 ms.
WAIT = 0.4e-3
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
# Bits are those of the line, as it is sold; bytes are those of messages.
PER_SECOND = {"bit": PAYLOAD / 8, "b": PAYLOAD / 8, "B": 1.0}
MANY = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


@dataclass(frozen=True)
class PlanOptions:
    """What ``ardoise plan`` was asked; None where something else decides."""

    params: int | None
    samples: int | None
    nodes: int
    recipe: str | None
    batch_size: int | None
    ranks: int | None
    latency: str | None
    bandwidth: str | None


def plan(options: PlanOptions, terminal: Terminal, together: Together) -> int:
    """Measure this computer for some seconds, and print what many like it would do.

    Raises
    ------
    OptionError
        If an option makes no sense.
    """
    network, work, training = together.all(partial(_what, options))
    given = together.all(partial(_given, options))
    threads, ranks, processors = _places(options, together)
    measure = partial(
        measure_speed,
        network,
        work.batch,
        threads=threads,
        params=options.params,
        **training,
    )
    terminal.say("plan.measuring")
    links = Links(None, None)
    if together.world is None:
        speed = measure()
    else:
        world = together.world
        at_once = max(1, processors // threads)
        speed = in_turns(world.communicator, at_once, world.leave, measure)
        links = measure_links(world.communicator, work.message, speed.computing.add)
    cluster = _cluster(speed, links, given, (ranks, processors, threads))
    if together.is_first:
        _say(terminal, speed, cluster, work, _source(links, given))
        _show(terminal, cluster, work, options.nodes)
    return 0


def _what(options: PlanOptions) -> tuple[Network, Work, dict[str, Any]]:
    """Return what is measured, what is planned, and how it is trained."""
    for name, value, least, most in (
        ("--params", options.params, FEWEST_PARAMS, MOST_PARAMS),
        ("--samples", options.samples, 1, MOST),
        ("--nodes", options.nodes, 1, 2**16),
        ("--batch-size", options.batch_size, 1, MOST),
        ("--ranks-per-node", options.ranks, 1, 2**10),
    ):
        if value is not None and not least <= value <= most:
            raise OptionError(
                "option.between", option=name, value=value, least=least, most=most
            )
    if options.params is not None:
        if options.recipe is not None:
            raise OptionError("option.params_or_recipe")
        samples = options.samples or SAMPLES
        batch = min(options.batch_size or BATCH, samples)
        return network_of(options.params), Work(options.params, samples, batch), {}
    name = options.recipe or DEFAULT_RECIPE
    if name not in RECIPES:
        raise OptionError("option.recipe", name=name, names=", ".join(RECIPES))
    recipe = RECIPES[name]
    network = recipe.build(SHAPE, CLASSES, 0)
    samples = options.samples or round(SHARE * SAMPLES)
    batch = min(options.batch_size or recipe.batch_size or samples, samples)
    training = {
        "optimizer": recipe.optimizer,
        "loss": recipe.loss,
        "augment": recipe.augmentation,
        "weight_average": recipe.weight_average,
    }
    work = Work(network.n_params, samples, batch, network.state.size)
    return network, work, training


def _given(options: PlanOptions) -> tuple[float | None, float | None]:
    """Return latency and bandwidth as the options have them."""
    latency, bandwidth = options.latency, options.bandwidth
    return (
        None if latency is None else latency_of(latency),
        None if bandwidth is None else bandwidth_of(bandwidth),
    )


def latency_of(text: str) -> float:
    """Return how long ``"1ms"``, ``"50us"`` or ``"0.2s"`` is, in seconds.

    Raises
    ------
    OptionError
        If it is none of these.
    """
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(s|ms|us|µs)", text)
    if match is None:
        raise OptionError("option.latency", value=text)
    return float(match[1]) * SECONDS[match[2]]


def bandwidth_of(text: str) -> float:
    """Return the bytes of messages that ``"1Gbit/s"`` or ``"118MB/s"`` carry a second.

    Raises
    ------
    OptionError
        If it is neither, or nothing.
    """
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([kMG]?)(bit|b|B)(?:/s|ps)", text)
    value = float(match[1]) * MANY[match[2]] * PER_SECOND[match[3]] if match else 0.0
    if value <= 0:
        raise OptionError("option.bandwidth", value=text)
    return value


def _places(options: PlanOptions, together: Together) -> tuple[int, int, int]:
    """Return threads of a rank, and ranks and processors of a host."""
    processors = available_threads()
    if together.world is None:
        ranks = options.ranks or processors
        return max(1, processors // ranks), ranks, processors
    threads = together.world.threads()
    ranks = options.ranks or max(1, together.world.near())
    return threads, ranks, processors


def _cluster(
    speed: Speed,
    links: Links,
    given: tuple[float | None, float | None],
    places: tuple[int, int, int],
) -> Cluster:
    """Return the hosts that are planned, from what was measured, given, or is usual."""
    ranks, processors, threads = places
    own = speed.computing
    usual = links.far or USUAL
    latency, bandwidth = given
    far = Link(
        usual.latency if latency is None else latency,
        usual.bandwidth if bandwidth is None else bandwidth,
    )
    near, wait = links.near or Link(HAND_OVER, 1 / own.copy), WAIT
    if links.near is not None and ranks * threads > processors:
        near, wait = Link(HAND_OVER, near.bandwidth), near.latency
    return Cluster(own, near, far, ranks, processors, threads, wait)


def _source(links: Links, given: tuple[float | None, float | None]) -> str:
    """Return where the link between hosts comes from, as its sentence's key."""
    if None not in given:
        return "plan.far_given"
    if links.far is not None:
        return "plan.far_measured"
    return "plan.far_usual" if given == (None, None) else "plan.far_half"


def _say(
    terminal: Terminal, speed: Speed, cluster: Cluster, work: Work, source: str
) -> None:
    """Print what was measured, and what is planned."""
    lang, own = terminal.lang, cluster.computing
    terminal.say(
        "plan.work",
        params=integer(work.params, lang),
        samples=integer(work.samples, lang),
        batch=integer(work.batch, lang),
        size=amount(work.message, lang),
    )
    terminal.say(
        "plan.computing",
        fixed=moment(own.fixed, lang),
        each=moment(own.per_sample, lang),
        gflops=decimal(speed.operations / cluster.threads / 1e9, lang, 1),
        threads=integer(cluster.threads, lang),
    )
    terminal.say(
        "plan.host",
        ranks=integer(cluster.ranks, lang),
        processors=integer(round(cluster.processors), lang),
    )
    terminal.say(
        source,
        latency=moment(cluster.far.latency, lang),
        bandwidth=f"{amount(cluster.far.bandwidth, lang)}/s",
    )
    if cluster.crowd > 1:
        terminal.say("plan.crowded", wait=moment(cluster.wait, lang))


def _show(terminal: Terminal, cluster: Cluster, work: Work, most: int) -> None:
    """Print the table, and where more hosts stop paying."""
    lang, text = terminal.lang, terminal.text
    names = ("hosts", "ranks", "speed", "efficiency", "step", "sum", "epoch")
    table = terminal.table(*((text(f"plan.{name}"), True) for name in names))
    for hosts in hosts_to(most):
        found = predict(cluster, work, hosts)
        step = found.computing + found.communicating
        table.add_row(
            integer(hosts, lang),
            integer(found.ranks, lang),
            integer(round(found.speed), lang),
            percent(found.efficiency, lang, 0),
            moment(step, lang),
            percent(found.communicating / step, lang, 0),
            duration(found.epoch, lang),
        )
    terminal.out.print(table)
    last = enough(cluster, work, most)
    gain = percent(GAIN, lang, 0)
    if last is None:
        terminal.say("plan.pays", most=integer(most, lang), gain=gain)
    elif last == 1:
        terminal.say("plan.alone", gain=gain)
    else:
        terminal.say("plan.enough", hosts=integer(last, lang), gain=gain)


def moment(seconds: float, lang: str) -> str:
    """Return a short time: ``3.4 ms`` or ``52 µs``."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{_three(seconds / size, lang)}{NO_BREAK_SPACE}{unit}"
    return f"{_three(seconds / 1e-6, lang)}{NO_BREAK_SPACE}µs"


def amount(n_bytes: float, lang: str) -> str:
    """Return a number of bytes: ``2.1 MB``."""
    letter = "o" if lang == "fr" else "B"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if n_bytes >= size:
            return f"{_three(n_bytes / size, lang)}{NO_BREAK_SPACE}{unit}{letter}"
    return f"{integer(round(n_bytes), lang)}{NO_BREAK_SPACE}{letter}"


def _three(value: float, lang: str) -> str:
    """Return about three digits of it."""
    return decimal(value, lang, 0 if value >= 100 else 1 if value >= 10 else 2)
