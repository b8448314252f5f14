"""Lets the tests of this room import the operations' cases: `op_cases`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "ops"))
