"""Entry point: `python -m tests.simulation.engine`; see `command`."""

import sys

from tests.simulation.engine.command import main

sys.exit(main())
