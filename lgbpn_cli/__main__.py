"""`python -m lgbpn_cli` is the same as `lgbpn`, whose script begins here, too."""

import signal
import sys

from lgbpn_cli.machine.quick_imports import no_garbage_yet


def main() -> None:
    """Run the command; Ctrl-C where no command answers it, such as while modules are imported, ends it with 130."""
    try:
        with no_garbage_yet():
            from lgbpn_cli.cli.main import main as run

        run()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would only disturb the end
        sys.exit(130)


if __name__ == "__main__":
    main()
