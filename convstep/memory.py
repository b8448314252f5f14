"""How much memory a process may still take on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

_KIB = 2**10


def available(root: Path = Path("/")) -> int | None:
    """Bytes that can still be had: the least of the machine's, its containers' and this process's own limits.

    `root` is where /proc and /sys lie. None where the system does not tell.
    """
    found = [*_machine(root), *_containers(root), *_own_limits(root)]
    return max(0, min(found)) if found else None


def in_words(count: int) -> str:
    """`12 bytes`, `3.5 KiB`, `2.0 GiB`."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < _KIB:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= _KIB
    return f"{amount:,.1f} TiB"


def _machine(root: Path) -> Iterator[int]:
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * _KIB
            return
    if sys.platform == "win32":
        yield from _windows()
    elif root == Path("/") and {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(os.sysconf_names):
        # All there is: no other limit is known, and what is in use can mostly be given back.
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _windows() -> Iterator[int]:
    import ctypes

    words = (ctypes.c_uint64 * 8)(64)  # MEMORYSTATUSEX: two 32-bit numbers, then seven of 64 bits
    if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(words)):  # type: ignore[attr-defined,unused-ignore]
        yield int(words[2])


def _containers(root: Path) -> Iterator[int]:
    """What control groups, this process's and those around it, have left (versions 2 and 1)."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers == "":
            mount, limit, used, cache = "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            mount, limit, used = "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            cache = "total_inactive_file"
        else:
            continue
        group = Path(path.lstrip("/"))
        for inside in (group, *group.parents):
            where = root / mount / inside
            most, taken = _text(where / limit).strip(), _text(where / used).strip()
            if most.isdecimal() and taken.isdecimal():
                # Cached file contents are counted as used, and given up on demand.
                stat = dict(line.split(" ", 1) for line in _text(where / "memory.stat").splitlines() if " " in line)
                yield int(most) - int(taken) + int(stat.get(cache, 0))


def _own_limits(root: Path) -> Iterator[int]:
    try:
        import resource
    except ImportError:
        return
    sizes = _text(root / "proc/self/statm").split()
    page = os.sysconf("SC_PAGE_SIZE")
    for limit, field in ((resource.RLIMIT_AS, 0), (resource.RLIMIT_DATA, 5)):
        most = resource.getrlimit(limit)[0]
        if most != resource.RLIM_INFINITY:
            yield most - (int(sizes[field]) * page if len(sizes) > field else 0)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
