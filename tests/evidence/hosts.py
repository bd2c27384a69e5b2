"""Hosts made of network namespaces, joined by a switch of limited speed that delays.

Each has an interface of its own, ``eth0``, and knows nothing of the others but what
comes through it. Where the kernel has ``netem``, pairs of veth and a bridge join them.
Where it has not, the switch is a process: it reads every frame from a TAP device, holds
it back for the delay and writes it to another. Frames travel as large as TCP makes
them (IFF_VNET_HDR, up to 64 KiB), or no such process would pass 1 Gbit/s.
"""

import ctypes
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

PREFIX = "ardoise"  # of the names of namespaces, and of what is in this one
NETWORK = "10.213.77"
MTU = 1500
# linux/if_tun.h
TUNSETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ = 0x400454CA, 0x400454D0, 0x400454D8
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x2, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6 = 0x1, 0x2, 0x4
PR_SET_PDEATHSIG = 1  # linux/prctl.h: end with the process that started this one
HEADER = 10  # bytes of struct virtio_net_hdr, before the frame
LARGEST = 1 << 17
BURST = 69_000  # bytes that pass at once: some more than TCP's largest packet


def sh(*words: str, check: bool = True) -> str:
    """Run a command; return what it said."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def has_netem() -> bool:
    """Return whether the kernel delays packets itself."""
    name = f"{PREFIX}-try"
    sh("ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}2")
    try:
        command = ["tc", "qdisc", "add", "dev", name, "root", "netem", "delay", "1ms"]
        return not subprocess.run(command, capture_output=True, check=False).returncode
    finally:
        sh("ip", "link", "del", name)


class Hosts:
    """So many hosts on one switch; a context manager that leaves nothing behind.

    Parameters
    ----------
    n : int
    rate : float
        Bits per second of every host, in each direction.
    delay : float
        Seconds that a frame takes from one host to another.

    Attributes
    ----------
    addresses : list of str
    names : list of str
        Of the namespaces.
    kernel : bool
        Whether the kernel delays the frames, or the process.
    """

    def __init__(self, n: int, rate: float, delay: float) -> None:
        self.rate, self.delay = rate, delay
        self.names = [f"{PREFIX}{i}" for i in range(n)]
        self.addresses = [f"{NETWORK}.{i + 1}" for i in range(n)]
        self.kernel = False
        self.switch: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Hosts":
        clean()
        try:
            self._make()
        except BaseException:
            clean()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.switch is not None:
            self.switch.terminate()
            self.switch.wait()
        clean()

    def _make(self) -> None:
        for name in self.names:
            sh("ip", "netns", "add", name)
            sh("ip", "-n", name, "link", "set", "lo", "up")
        self.kernel = has_netem()
        if self.kernel:
            self._make_bridge()
        else:
            command = [sys.executable, __file__, str(self.delay), *self.names]
            self.switch = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            if not self.switch.stdout or self.switch.stdout.readline() != "ready\n":
                raise RuntimeError("the switch did not start")
        for name, address in zip(self.names, self.addresses, strict=True):
            shape(name, "eth0", self.rate)
            sh("ip", "-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            sh("ip", "-n", name, "link", "set", "eth0", "mtu", str(MTU), "up")

    def _make_bridge(self) -> None:
        bridge = f"{PREFIX}-br"
        sh("ip", "link", "add", bridge, "type", "bridge")
        sh("ip", "link", "set", bridge, "up")
        for name in self.names:
            port = f"{name}-port"
            peer = ["peer", "name", "eth0", "netns", name]
            sh("ip", "link", "add", port, "type", "veth", *peer)
            sh("ip", "link", "set", port, "master", bridge, "up")
            sh(*f"tc qdisc add dev {port} root netem delay {self.delay}s".split())

    def switch_seconds(self) -> float:
        """Return the processor time that the switch has used, if it is a process."""
        if self.switch is None:
            return 0.0
        stat = Path(f"/proc/{self.switch.pid}/stat").read_text(encoding="ascii")
        words = stat.rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def shape(name: str, device: str, rate: float) -> None:
    """Let so many bits a second out of a device."""
    limit = f"rate {rate:.0f}bit burst {BURST} latency 100ms"
    sh(*f"tc -n {name} qdisc add dev {device} root tbf {limit}".split())


def clean() -> None:
    """Remove namespaces and devices, of an earlier run too."""
    for line in sh("ip", "netns", "list").splitlines():
        name = line.split()[0]
        if name.removeprefix(PREFIX).isdecimal() and name.startswith(PREFIX):
            sh("ip", "netns", "del", name, check=False)
    sh("ip", "link", "del", f"{PREFIX}-br", check=False)


def tap(namespace: str) -> int:
    """Return a file from which what a namespace sends is read, and so the other way."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    setns(there)
    try:
        file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR
        fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH22x", b"eth0", flags))
        fcntl.ioctl(file, TUNSETVNETHDRSZ, struct.pack("i", HEADER))
        fcntl.ioctl(file, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)
    finally:
        setns(home)
        os.close(there)
        os.close(home)
    return file


def setns(file: int) -> None:
    """Move this process into a network namespace."""
    if ctypes.CDLL(None, use_errno=True).setns(file, 0):
        raise OSError(ctypes.get_errno(), "setns")


def switch(delay: float, names: list[str]) -> None:
    """Pass frames between the hosts, each so many seconds after it came, for ever."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # What stands for hardware does not wait until the processors have nothing to do.
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    ports = [tap(name) for name in names]
    known: dict[bytes, int] = {}  # address of Ethernet → port
    held: deque[tuple[float, int, bytes]] = deque()
    print("ready", flush=True)
    now = time.monotonic
    while True:
        wait = max(0.0, held[0][0] - now()) if held else None
        for port in select.select(ports, [], [], wait)[0]:
            try:
                while frame := os.read(port, LARGEST):
                    held.append((now() + delay, port, frame))
            except BlockingIOError:
                continue
        while held and held[0][0] <= now():
            _, port, frame = held.popleft()
            known[frame[HEADER + 6 : HEADER + 12]] = port
            to = known.get(frame[HEADER : HEADER + 6])
            for other in [to] if to is not None else ports:
                if other != port:
                    try:
                        os.write(other, frame)
                    except OSError:
                        pass  # its queue is full or it is not up: the frame is lost


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    switch(float(sys.argv[1]), sys.argv[2:])
