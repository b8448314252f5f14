"""Freed memory, given back to the system: the allocator of glibc keeps what it cannot cut off at its end."""

from __future__ import annotations


def give_back() -> None:
    """Give it back where the platform can; elsewhere nothing happens."""
    import ctypes

    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # no glibc
        return
