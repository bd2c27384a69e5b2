"""``mpiexec -n 2 ardoise train``: real ranks of MPI, on one computer."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ardoise.files import load_model
from ardoise.files.checkpoint import load_checkpoint

pytest.importorskip("mpi4py", reason="mpi4py is not installed", exc_type=ImportError)
BESIDE = Path(sys.executable).with_name("mpiexec")
MPIEXEC = str(BESIDE) if BESIDE.exists() else shutil.which("mpiexec")
pytestmark = pytest.mark.skipif(MPIEXEC is None, reason="there is no mpiexec")

ARDOISE = (sys.executable, "-m", "ardoise")
PLAIN = ("--recipe", "notebook", "--epochs", 5, "--threads", 1)
MLP = ("--recipe", "mlp", "--batch-size", 50, "--threads", 1)
LONG = (*MLP, "--epochs", 10**6)


def start(size, *arguments, command=ARDOISE):
    ranks = () if size == 1 else (MPIEXEC, "-n", str(size))
    return subprocess.Popen(
        [*ranks, *command, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def train(size, *arguments, command=ARDOISE):
    """Return (exit code, output, errors) of so many ranks."""
    with start(size, "train", *arguments, command=command) as process:
        said = process.communicate(timeout=120)
    return process.returncode, *said


def test_two_ranks_learn_what_one_process_learns(data, somewhere):
    nets = {}
    for size in (1, 2):
        code, out, err = train(size, "--data", data, *PLAIN, "--output", f"of{size}")
        assert (code, err) == (0, "")
        assert out.count("Recipe notebook") == 1
        model = load_model(f"of{size}/model.safetensors")
        assert model.details.get("ranks") == (2 if size == 2 else None)
        nets[size] = model.network.theta
    assert "Ranks: 2, each reads its share of every batch." in out
    np.testing.assert_allclose(nets[2], nets[1], atol=1e-5)
    with open("of2/history.csv") as file:
        assert len(file.readlines()) == 1 + 6


def test_what_is_wrong_is_said_once(data):
    code, out, err = train(2, "--data", data, "--split", "nonsense")
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert code == 2
    code, out, err = train(2, "--data", "none.csv")
    assert (code, out, err.count("none.csv")) == (1, "", 1)
    assert "Traceback" not in err
    code, _, err = train(2, "--epochs", "many")
    assert (code, err.count("--epochs")) == (2, 1)


@pytest.mark.parametrize("lacking", ["1", "01"])
def test_a_rank_without_mpi4py_leaves_no_other_waiting(
    data, tmp_path, monkeypatch, lacking
):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        f"if os.environ.get('PMI_RANK', '-') in {lacking!r}:\n"
        "    sys.modules['mpi4py'] = None\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    code, _, err = train(2, "--data", data, *PLAIN)
    assert code
    assert err.count('pip install "ardoise[mpi]"') == 1
    assert "Traceback" not in err


def wait_for(path, process):
    end = time.monotonic() + 60
    while not Path(path).exists():
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)


def test_ctrl_c_ends_all_ranks_and_keeps_the_model(data, somewhere):
    options = ("--data", data, *LONG, "--output", "cut", "--checkpoint", "point")
    with start(2, "train", *options, "--every", "0s") as process:
        wait_for("point.previous", process)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert "Interrupted" in out
    assert load_model("cut/model.safetensors").details["ranks"] == 2
    assert load_checkpoint("point").plan["ranks"] == 2


PRESSED = """
import sys
from ardoise.cli.checkpoints import Checkpointing
from ardoise.cli.app import run

def press(self, training):
    if training.rank == 1 and training.epoch == 2:
        training.stop("interrupted")

Checkpointing.on_epoch_end = press
sys.exit(run(sys.argv[1:]))
"""


def test_ctrl_c_between_two_epochs_leaves_a_checkpoint(data, somewhere):
    short = ("--data", data, *MLP, "--epochs", 3)
    assert train(2, *short, "--output", "whole")[0] == 0
    pressed = (sys.executable, "-c", PRESSED)
    options = (*short, "--output", "cut", "--checkpoint", "point")
    code, out, err = train(2, *options, command=pressed)
    assert (code, err) == (130, "")
    assert "Interrupted" in out
    assert len(load_checkpoint("point").snapshot.values["history"]["epoch"]) == 2
    assert train(2, "--resume", "point", "--output", "on")[0] == 0
    whole, on = (Path(name) / "model.safetensors" for name in ("whole", "on"))
    assert on.read_bytes() == whole.read_bytes()


def workers():
    """Return the processes that train, whose parents watch over them."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            status = (entry / "stat").read_text().rpartition(")")[2].split()
        except (OSError, IndexError):
            continue
        if b"-m" in command and b"ardoise" in command and b"point" in command:
            found[int(entry.name)] = int(status[1])
    return [pid for pid, parent in found.items() if parent in found]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_rank_ends_all_and_others_go_on(data, somewhere):
    options = ("--data", data, *LONG, "--output", "killed", "--checkpoint", "point")
    with start(2, "train", *options, "--every", "0s") as process:
        wait_for("point.previous", process)
        killed = workers()[-1]
        os.kill(killed, signal.SIGKILL)
        _, err = process.communicate(timeout=60)
    assert process.returncode
    assert err.count("was killed by SIGKILL") == 1
    assert f"process {killed} on" in err
    assert "ardoise train --resume point" in err
    assert workers() == []
    step = load_checkpoint("point").snapshot.values["step"]
    for size in (1, 2):
        again = ("train", "--resume", "point", "--every", "0s", "--output", f"on{size}")
        with start(size, *again) as on:
            end = time.monotonic() + 60
            while load_checkpoint("point").snapshot.values["step"] <= step:
                assert on.poll() is None and time.monotonic() < end
                time.sleep(0.1)
            on.send_signal(signal.SIGINT)
            out, _ = on.communicate(timeout=60)
        assert "Interrupted" in out
        step = load_checkpoint("point").snapshot.values["step"]
        assert load_checkpoint("point").plan["ranks"] == size
