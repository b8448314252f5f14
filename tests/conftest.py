"""For all tests: hypothesis draws the same examples every time, and helpers beside this file can be imported."""

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "data" / "networks")]

# Autosaves and reports of crashes of all processes that the tests start; removed when the tests end.
_STATE = tempfile.TemporaryDirectory(prefix="convstep-state-", ignore_cleanup_errors=True)
os.environ["XDG_STATE_HOME"] = _STATE.name

settings.register_profile(
    "same", derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("same")


@pytest.fixture
def limited():
    """Within `limited(size)` no file may grow beyond so many bytes: writing fails in the midst, as on a full disk."""
    resource = pytest.importorskip("resource")

    @contextmanager
    def limit(size):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limit
