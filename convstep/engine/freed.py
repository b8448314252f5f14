"""Freed memory, given back to the system: the allocator of glibc keeps what it cannot cut off at its end."""

from __future__ import annotations

_MMAP_THRESHOLD = -3
"""glibc's M_MMAP_THRESHOLD."""
_LARGE = 2**20


def give_back() -> None:
    """Give it back where the platform can; elsewhere nothing happens.

    From now on large arrays have memory of their own, which goes back as soon as they are freed: glibc would soon
    put them among the small ones.
    """
    import ctypes

    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(_MMAP_THRESHOLD, _LARGE)
        libc.malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # no glibc
        return
