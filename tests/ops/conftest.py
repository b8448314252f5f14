"""Lets the tests of this room import what they share: `op_cases`, `op_checks`, `torch_oracle`."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "data")]
