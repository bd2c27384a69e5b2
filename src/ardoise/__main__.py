"""The ``ardoise`` command; it says in one line what is missing when it cannot start."""

import signal
import sys
from types import FrameType


def main() -> int:
    """Run the command line and return its exit code."""
    listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if listens:
        signal.signal(signal.SIGINT, interrupt)
    try:
        return _main()
    except KeyboardInterrupt:  # before the command line knows its language
        return 130
    finally:
        if listens:  # nothing is left to be interrupted
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Stop at the first Ctrl-C, and let the next ones disturb nothing.

    What was learned is being saved meanwhile, and that takes no time.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _main() -> int:
    try:
        import cyclopts  # noqa: F401
        import rich  # noqa: F401
    except ImportError:
        print(
            'The ardoise command needs its extra: pip install "ardoise[all]"\n'
            'La commande ardoise demande son extra : pip install "ardoise[all]"',
            file=sys.stderr,
        )
        return 1
    from ardoise.cluster.launched import launched

    if launched() is not None:  # only then: no other command needs what it imports
        from ardoise.cluster.supervising import supervised

        code = supervised(sys.argv[1:])
        if code is not None:  # one rank of several
            return code
    from ardoise.cli.app import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
