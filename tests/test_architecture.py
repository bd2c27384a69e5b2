"""The rules of the house, read from the source: who may import whom, and what for.

Each rule is a function from the sources to the sentences that say where it is broken.
The tests show that the tree keeps all rules, and that each rule notices a breach.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "ardoise"

# The rooms and their levels; in the engine each module has its own. Imports go from a
# higher level to a lower one, or stay inside a room, never up and never in a circle.
LEVELS = {
    "engine": 0,  # the package itself, which is empty
    "engine.arrays": 0,
    "engine.errors": 0,
    "engine.history": 0,
    "engine.initializers": 0,
    "engine.mapped": 0,
    "engine.params": 0,
    "engine.schedules": 0,
    "engine.sparse": 0,
    "engine.tables": 0,
    "engine.threads": 0,
    "engine.layers": 1,
    "engine.losses": 1,
    "engine.augmentation": 2,
    "engine.batches": 2,
    "engine.lbfgs": 2,
    "engine.line_search": 2,
    "engine.network": 2,
    "engine.optimizers": 2,
    "engine.order": 2,
    "engine.snapshot": 2,
    "engine.calibration": 3,
    "engine.diagnostics": 3,
    "engine.doctor": 3,
    "engine.ensemble": 3.5,
    "engine.novelty": 3.6,
    "engine.evaluation": 3,
    "engine.inference": 3,
    "engine.ranks": 3,
    "engine.joint": 3,
    "engine.training": 3,
    "engine.workers": 3,
    "messages": 3.5,  # for every room but the engine, which raises plain exceptions
    "estimators": 4,
    "pictures": 4,
    "exchange": 5,
    "files": 5,
    "files.safetensors": 3.5,  # arrays as bytes; it knows the engine's arrays alone
    "onnx": 5,
    "cluster": 6,
    "digits": 6,
    "export": 6,
    "plots": 6,
    "lessons": 6.5,
    "cli": 7,
    "slate": 7,
    "__main__": 8,
}
# `ardoise` itself may import anything, and anything above the engine may import it.
FACADE = ""
ABOVE_THE_ENGINE = 4

# Importer → what it must not import, though it lies lower.
FORBIDDEN = {
    "engine.losses": ("engine.layers",),
    "engine.optimizers": ("engine.layers", "engine.network"),
    "engine.schedules": ("engine.layers", "engine.network"),
    "messages": ("engine",),
}

# Importer → what it may import though it lies beside it: the command starts the page.
BESIDE = {"cli.slate": "slate"}

# What the engine uses of the standard library: nothing that reads, writes or prints.
ENGINE_STANDARD = {
    "__future__",
    "collections.abc",
    "contextlib",
    "copy",
    "dataclasses",
    "functools",
    "inspect",
    "itertools",
    "math",
    "mmap",
    "os",
    "queue",
    "signal",
    "threading",
    "time",
    "types",
    "typing",
    "zlib",
}
# The one module that warns, of what no training can recover from.
WARNS = "engine.training"
# The one module that asks the system: how many processors there are.
ASKS_THE_SYSTEM = "engine.threads"
SYSTEM_PACKAGES = {"pathlib", "platform", "threadpoolctl"}
# What a layer may know besides level 0 and the base.
LAYER_HELPERS = {
    "engine.layers.base",
    "engine.layers.products",
    "engine.layers.windows",
}
LAYERS_OF_LAYERS = {
    "engine.layers.chain": {"engine.layers.conv", "engine.layers.pool"},
    "engine.layers.residual": {"engine.layers.chain"},
}
ENGINE_OS = {"cpu_count", "sched_getaffinity"}
# Calls that read, write, print or run text, by their last name.
SPEAKING = {
    *("open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__"),
    *("load", "save", "savez", "savez_compressed", "loadtxt", "savetxt", "genfromtxt"),
    *("read_text", "write_text", "read_bytes", "write_bytes"),
    *("fromfile", "tofile", "memmap", "dump", "fromregex", "show_config"),
}
# The names of numpy.random that are no functions of its global generator.
RANDOM_TYPES = {
    *("Generator", "default_rng", "SeedSequence", "BitGenerator", "RandomState"),
    *("PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937"),
}


@dataclass(frozen=True)
class Source:
    """One module; its name is the one below ``ardoise``, such as ``engine.losses``."""

    name: str
    is_package: bool
    nodes: tuple[ast.AST, ...]


def read_tree() -> dict[str, str]:
    """Return path → text of all modules, such as ``engine/losses.py``."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(ROOT.rglob("*.py"))
    }


@cache
def parse_one(path: str, text: str) -> Source:
    parts = path.removesuffix(".py").split("/")
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    return Source(name, is_package, tuple(ast.walk(ast.parse(text))))


def parse(texts: Mapping[str, str]) -> list[Source]:
    return [parse_one(path, text) for path, text in texts.items()]


def imports(source: Source) -> Iterator[tuple[str, str, int]]:
    """Yield (module, name or "", line) of every import, wherever it stands."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, "", node.lineno
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:  # from . import x, from ..engine import y
                package = ["ardoise", *filter(None, source.name.split("."))]
                kept = package[: len(package) - node.level + source.is_package]
                module = ".".join([*kept, *filter(None, [module])])
            for alias in node.names:
                yield module, alias.name, node.lineno


def inner_imports(source: Source, known: set[str]) -> Iterator[tuple[str, int]]:
    """Yield (name below ``ardoise``, line) of every import of a module of ours.

    ``from a import b`` imports ``a.b`` where that is a module, else ``a``.
    """
    for module, name, line in imports(source):
        root, _, below = module.partition(".")
        if root == "ardoise":
            longer = f"{below}.{name}".strip(".")
            yield (longer if longer in known else below), line


def dotted(node: ast.AST) -> str:
    """Return ``"np.random.seed"`` for such an expression, ``""`` for others."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".lstrip(".")
    return ""


def level(name: str) -> float | None:
    """Return the level of a module: its own, or that of its package."""
    if name in LEVELS:
        return LEVELS[name]
    package = name.rpartition(".")[0]
    return level(package) if package not in ("", "engine") else None


def room(name: str) -> str:
    return name.split(".")[0]


def is_part(name: str, *packages: str) -> bool:
    return any(name == p or name.startswith(f"{p}.") for p in packages)


def is_layer(source: Source) -> bool:
    return is_part(source.name, "engine.layers") and not source.is_package


# -- the rules ------------------------------------------------------------------------


def every_module_has_a_level(sources: list[Source]) -> Iterator[str]:
    for source in sources:
        if source.name != FACADE and level(source.name) is None:
            yield f"{source.name} has no level: say in LEVELS where it stands"


def imports_go_down(sources: list[Source]) -> Iterator[str]:
    known = {source.name for source in sources}
    for source in sources:
        own = level(source.name)
        if own is None:
            continue
        for target, line in inner_imports(source, known):
            where = f"{source.name}, line {line}: import of {target or 'the facade'}"
            if target == FACADE:
                if own < ABOVE_THE_ENGINE:
                    yield f"{where} by what stands below it"
                continue
            theirs = level(target)
            if theirs is None:
                yield f"{where}, which has no level"
            elif theirs > own:
                yield f"{where} goes up, from level {own} to {theirs}"
            elif theirs == own and room(target) not in (
                room(source.name),
                BESIDE.get(source.name),
            ):
                yield f"{where} goes sideways, on level {own}"


def neighbours_do_not_know_each_other(sources: list[Source]) -> Iterator[str]:
    known = {source.name for source in sources}
    for source in sources:
        for target, line in inner_imports(source, known):
            where = f"{source.name}, line {line}: must not know {target}"
            if is_part(target, *FORBIDDEN.get(source.name, ())):
                yield where
            elif is_layer(source) and target not in LAYER_HELPERS:
                known_too = target in LAYERS_OF_LAYERS.get(source.name, ())
                if level(target) != 0 and not known_too:
                    yield f"{where}: a layer knows the base, and level 0"


def no_circle(sources: list[Source]) -> Iterator[str]:
    known = {source.name for source in sources}
    graph = {
        source.name: sorted({t for t, _ in inner_imports(source, known)} & known)
        for source in sources
        if source.name != FACADE
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> Iterator[str]:
        if name in path:
            yield "circle: " + " → ".join([*path[path.index(name) :], name])
        elif name in graph and name not in done:
            for target in graph[name]:
                yield from visit(target, (*path, name))
            done.add(name)

    for name in graph:
        yield from visit(name, ())


def the_engine_is_numpy_and_little_else(sources: list[Source]) -> Iterator[str]:
    for source in sources:
        if not is_part(source.name, "engine"):
            continue
        for module, name, line in imports(source):
            root = module.split(".")[0]
            allowed = (
                root in ("numpy", "ardoise")
                or module in ENGINE_STANDARD
                or (root in SYSTEM_PACKAGES and source.name == ASKS_THE_SYSTEM)
                or (root == "warnings" and source.name == WARNS)
            )
            if not allowed or (module == "os" and name not in {"", *ENGINE_OS}):
                yield f"{source.name}, line {line}: the engine does without {module}"


def the_engine_is_silent(sources: list[Source]) -> Iterator[str]:
    """It reads no file, prints nothing, runs no text."""
    for source in sources:
        if not is_part(source.name, "engine"):
            continue
        for node in source.nodes:
            if isinstance(node, ast.Call) and source.name != ASKS_THE_SYSTEM:
                called = dotted(node.func)
                # self._loader.load(rows) is ours; np.load and a bare open are not.
                ours = called.startswith("self.")
                if called.rpartition(".")[2] in SPEAKING and not ours:
                    yield f"{source.name}, line {node.lineno}: calls {called}"
            elif isinstance(node, ast.Attribute) and dotted(node.value) == "os":
                if node.attr not in ENGINE_OS:
                    yield f"{source.name}, line {node.lineno}: uses os.{node.attr}"


def no_assert(sources: list[Source]) -> Iterator[str]:
    for source in sources:
        for node in source.nodes:
            if isinstance(node, ast.Assert):
                yield f"{source.name}, line {node.lineno}: assert vanishes under -O"


def no_global_randomness(sources: list[Source]) -> Iterator[str]:
    for source in sources:
        for module, name, line in imports(source):
            hidden = module == "numpy.random" and name not in {"", *RANDOM_TYPES}
            if module == "random" or hidden:
                yield f"{source.name}, line {line}: global generator {module}.{name}"
        for node in source.nodes:
            if isinstance(node, ast.Attribute) and node.attr not in RANDOM_TYPES:
                if dotted(node.value) in ("np.random", "numpy.random"):
                    used = f"np.random.{node.attr}"
                    yield f"{source.name}, line {node.lineno}: global generator {used}"


RULES = (
    every_module_has_a_level,
    imports_go_down,
    neighbours_do_not_know_each_other,
    no_circle,
    the_engine_is_numpy_and_little_else,
    the_engine_is_silent,
    no_assert,
    no_global_randomness,
)

TREE = read_tree()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule):
    assert list(rule(parse(TREE))) == []


# Rule, the module that breaks it, and the line that does, added at its end.
BREACHES = [
    (every_module_has_a_level, "engine/tricks.py", ""),
    (every_module_has_a_level, "attic/__init__.py", ""),
    # Up.
    (imports_go_down, "engine/params.py", "from ardoise.engine.network import Network"),
    (imports_go_down, "engine/params.py", "from ardoise.engine import layers"),
    (imports_go_down, "engine/arrays.py", "import ardoise.engine.losses"),
    (imports_go_down, "engine/layers/base.py", "from ..network import Network"),
    (
        imports_go_down,
        "engine/layers/dense.py",
        "from ardoise.engine import optimizers",
    ),
    (imports_go_down, "engine/network.py", "from .training import fit"),
    (imports_go_down, "engine/batches.py", "def f():\n    from . import workers"),
    (imports_go_down, "engine/training.py", "from ardoise.messages import text"),
    (imports_go_down, "engine/training.py", "from ardoise import files"),
    (imports_go_down, "engine/workers.py", "import ardoise"),
    (imports_go_down, "engine/workers.py", "from ardoise import Network"),
    (imports_go_down, "engine/losses.py", "import ardoise.engine.tricks"),
    (imports_go_down, "messages.py", "from ardoise.files import load_model"),
    (imports_go_down, "files/model.py", "from ardoise.digits import Dataset"),
    (imports_go_down, "digits/mnist.py", "from ardoise.cli import app"),
    # Sideways.
    (imports_go_down, "digits/mnist.py", "from ardoise import plots"),
    (imports_go_down, "plots/__init__.py", "from ardoise.digits import Dataset"),
    (imports_go_down, "pictures/__init__.py", "import ardoise.estimators"),
    (imports_go_down, "slate/app.py", "from ardoise.cli.terminal import Terminal"),
    (imports_go_down, "cli/app.py", "from ardoise.slate import serve"),
    # Neighbours.
    (
        neighbours_do_not_know_each_other,
        "engine/losses.py",
        "from ardoise.engine.layers import Dense",
    ),
    (
        neighbours_do_not_know_each_other,
        "engine/optimizers.py",
        "from ardoise.engine.network import Network",
    ),
    (
        neighbours_do_not_know_each_other,
        "engine/optimizers.py",
        "from ardoise.engine.layers.base import Layer",
    ),
    (
        neighbours_do_not_know_each_other,
        "engine/schedules.py",
        "from ardoise.engine import layers",
    ),
    (
        neighbours_do_not_know_each_other,
        "engine/layers/norm.py",
        "from ardoise.engine.layers.dense import Dense",
    ),
    (
        neighbours_do_not_know_each_other,
        "engine/layers/norm.py",
        "from ardoise.engine.losses import softmax",
    ),
    (neighbours_do_not_know_each_other, "engine/layers/norm.py", "from . import Layer"),
    (
        neighbours_do_not_know_each_other,
        "messages.py",
        "from ardoise.engine.arrays import Array",
    ),
    # Circles.
    (no_circle, "engine/workers.py", "from ardoise.engine.training import fit"),
    (no_circle, "digits/datasets.py", "from ardoise.digits.mnist import load_mnist"),
    (no_circle, "engine/params.py", "from ardoise.engine.params import Layout"),
    # Packages.
    *(
        (the_engine_is_numpy_and_little_else, "engine/losses.py", line)
        for line in (
            "import scipy.special",
            "from torch import nn",
            "import threadpoolctl",
            "import pathlib",
            "from pathlib import Path",
            "import logging",
            "import warnings",
            "import sys",
            "import pickle",
            "from os import open",
            "def f():\n    import tempfile",
        )
    ),
    # Silence.
    *(
        (the_engine_is_silent, "engine/training.py", line)
        for line in (
            "print('epoch')",
            "open('weights.bin')",
            "file.read_text()",
            "x = input()",
            "np.save('weights', 1)",
            "np.load('weights')",
            "network.theta.tofile('weights')",
            "import os\nos.remove('weights')",
            "eval('1 + 1')",
        )
    ),
    (no_assert, "digits/mnist.py", "assert True"),
    (no_assert, "engine/network.py", "def f(x):\n    assert x, 'x'"),
    *(
        (no_global_randomness, "digits/splits.py", line)
        for line in (
            "np.random.seed(0)",
            "x = np.random.rand(3)",
            "import numpy\nnumpy.random.shuffle([])",
            "from numpy.random import randint",
            "import random",
            "from random import shuffle",
        )
    ),
]


@pytest.mark.parametrize(
    ("rule", "path", "line"), BREACHES, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_breach_of_the_rule_is_noticed(rule, path, line):
    texts = {**TREE, path: f"{TREE.get(path, '')}\n{line}\n"}
    found = set(rule(parse(texts))) - set(rule(parse(TREE)))
    assert found
    broken = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert all(broken in sentence for sentence in found)


def test_every_rule_has_met_a_breach():
    assert {rule for rule, *_ in BREACHES} == set(RULES)


def test_what_is_allowed_is_not_called_a_breach():
    allowed = {
        "engine/layers/norm.py": "from ardoise.engine.params import ParamSpec",
        "engine/training.py": "from ardoise.engine.workers import Workers",
        "engine/threads.py": "def f():\n    import threadpoolctl",
        "engine/batches.py": "rng = np.random.default_rng(0)\nself._loader.load(3)",
        "cli/app.py": "import ardoise\nfrom ardoise.engine.network import Network",
        "cli/slate.py": "from ardoise.slate.serving import listen",
        "pictures/__init__.py": "from ardoise.messages import text",
    }
    texts = {**TREE}
    for path, line in allowed.items():
        texts[path] = f"{texts.get(path, '')}\n{line}\n"
    for rule in RULES:
        assert list(rule(parse(texts))) == []


# -- what is loaded -------------------------------------------------------------------

ONLY_NUMPY = """
import sys

ALLOWED = {*sys.stdlib_module_names, "ardoise", "numpy", "threadpoolctl"}


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ALLOWED:
            raise ModuleNotFoundError(f"{name} is blocked")


sys.meta_path.insert(0, Blocker())
try:
    import pytest
except ModuleNotFoundError:
    print("pytest is blocked")

import numpy as np
import ardoise
from ardoise.engine.layers import LAYERS

rng = np.random.default_rng(0)
x = rng.random((3000, 4))
y = (x[:, 0] > 0.5).astype(int)
layers = [ardoise.Dense(3), ardoise.ReLU(), ardoise.Dense(2)]
network = ardoise.Network(layers, 4, seed=0)
for batch_size in (32, None):
    history = ardoise.fit(network, x, y, validation_data=(x, y), epochs=2, threads=2,
                          batch_size=batch_size)
    print(history.stopped)
print(ardoise.check_gradients(network, x[:5], y[:5]).error < 1e-7)
"""

LOADED = """
import sys

before = set(sys.modules)
import ardoise

new = [name for name in sys.modules if name not in before]
# Cython puts modules without a specification there, which no file stands for.
files = [name for name in new if getattr(sys.modules[name], "__spec__", None)]
roots = {name.partition(".")[0] for name in files}
print(*sorted(roots - set(sys.stdlib_module_names)))
"""


def run(script: str) -> list[str]:
    """Run a script in an interpreter of its own; return the words it printed."""
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_engine_trains_where_numpy_is_all_there_is():

    assert run(ONLY_NUMPY) == "pytest is blocked finished finished True".split()


def test_importing_ardoise_loads_numpy_and_nothing_else():
    assert run(LOADED) == ["ardoise", "numpy"]
