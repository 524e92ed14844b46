"""``python -m benchmarks`` is the command `eegdancer`."""

import sys

from benchmarks.cli import main

sys.exit(main())
