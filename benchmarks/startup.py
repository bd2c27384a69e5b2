"""How long ``import ardoise`` takes, against ``import numpy``, which it needs.

The clock runs inside a fresh interpreter, around the import statement: what a user
waits for. Whole processes are timed too, with an empty one to subtract. Everybody's
bytecode is compiled before, as it is once a package has been used.
"""

import subprocess
import sys
import time
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.machine import usable_processors
from benchmarks.measure import ROOT, Sample, Samples, Say, environment, ratio
from benchmarks.plan import Plan
from benchmarks.report import Detail, Section, Target, compare, spread

TARGET = Target(1.2, "≤")
STATEMENTS = {"Ardoise": "import ardoise", "NumPy": "import numpy", "nothing": "pass"}
PROGRAM = """
import time
started = time.perf_counter()
{statement}
print(time.perf_counter() - started)
"""


def run(plan: Plan, say: Say) -> Section:
    """Import everything in turn, many times."""
    samples: Samples = {name: [] for name in STATEMENTS}
    with TemporaryDirectory(prefix="ardoise-bytecode-") as bytecode:
        for name in STATEMENTS:
            run_once(name, bytecode)  # compiles, and brings the files into memory
        for _ in range(plan.import_rounds):
            for name in STATEMENTS:
                samples[name].append(run_once(name, bytecode))
    say(f"import: {plan.import_rounds} rounds done")
    return judge(samples)


def judge(samples: Samples) -> Section:
    """Return the row and the details."""
    inside, process = (
        {name: [sample[figure] for sample in samples[name]] for name in STATEMENTS}
        for figure in ("import_seconds", "process_seconds")
    )
    whole = {name: median(times) for name, times in process.items()}
    net = (whole["Ardoise"] - whole["nothing"]) / (whole["NumPy"] - whole["nothing"])
    section = Section(samples={"import": samples})
    work = f"import, {len(samples['nothing'])} rounds"
    section.lines.append(
        compare(
            "`import ardoise`",
            "`import numpy`",
            ratio(inside["Ardoise"], inside["NumPy"]),
            TARGET,
            remark=f" (whole process {whole['Ardoise'] / whole['NumPy']:.2f} ×, "
            f"without the interpreter's own time {net:.2f} ×)",
        )
    )
    for name in ("Ardoise", "NumPy"):
        remark = f"the whole process {spread(process[name], 'ms', 1e-3)}"
        figure = spread(inside[name], "ms", 1e-3)
        section.details.append(Detail(work, name, figure, remark))
    figure = spread(process["nothing"], "ms", 1e-3)
    section.details.append(Detail(work, "an empty process", figure, ""))
    return section


def run_once(name: str, bytecode: str) -> Sample:
    """Return the seconds of the import and of its whole process.

    The bytecode is kept in the folder ``bytecode``: the environment may say that none
    is written (PYTHONDONTWRITEBYTECODE), and every import would compile everything.
    """
    program = PROGRAM.format(statement=STATEMENTS[name])
    env = environment(usable_processors())
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env["PYTHONPYCACHEPREFIX"] = bytecode
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    elapsed = time.perf_counter() - started
    return {"import_seconds": float(done.stdout), "process_seconds": elapsed}
