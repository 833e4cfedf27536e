"""`python3 -m pacewright` is `pacewright`."""

import sys

from pacewright.cli.main import main

sys.exit(main())
