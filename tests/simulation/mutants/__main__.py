"""Entry point: `python -m tests.simulation.mutants`; see `command`."""

import sys

from tests.simulation.mutants.command import main

sys.exit(main())
