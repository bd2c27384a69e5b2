"""The ``ardoise`` command; it says in one line what is missing when it cannot start."""

import sys


def main() -> int:
    """Run the command line and return its exit code."""
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
    from ardoise.cli.app import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
