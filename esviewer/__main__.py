"""``esviewer STORE`` opens the window; ``esviewer COMMAND …`` runs without one."""

from __future__ import annotations

import sys

# The words that are commands even where this version does not have them yet: a STORE of that name is written ./info.
COMMANDS = frozenset(
    ["info", "streams", "events", "state", "catalogue", "check", "replay", "compare", "report", "doctor"]
)


def main() -> None:
    """Runs the command line or the window; never returns."""
    arguments = sys.argv[1:]
    if arguments and (arguments[0] in COMMANDS or arguments[0] in ("--help", "-h", "--version")):
        from esviewer.cli import run

        sys.exit(run(arguments))
    from esviewer.ui.start import run_window

    sys.exit(run_window(arguments))


if __name__ == "__main__":
    main()
