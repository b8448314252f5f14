"""Spoilt files, thousands of them: each opens, or gets one line that says what is wrong; never anything else.

    python tests/benchmarks/mutants.py [--count 10000] [--commands 300] [--seed 0] [--keep DIRECTORY]

Most are given to the program in this process (in children with a limit on memory), some hundred to the real command
line. Asked of every one: exit status 0, 1 or 2; with 2 exactly one line on standard error, within a second (of the
processor: others may use it, too) and 200 MB. What is found is kept in DIRECTORY.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS)]

import mutations  # noqa: E402

SAMPLES = TESTS.parent / "sample_nets"
_SECONDS, _MIB = 1.0, 200
_ROOM = 2**30
_EACH = 250


@dataclass(frozen=True)
class Victim:
    """A file that is spoilt, and the command that then reads it or what refers to it."""

    name: str
    changes: tuple[mutations.Change, ...]
    commands: tuple[tuple[str, ...], ...]
    weight: int = 1


def main() -> None:
    """Spoil, try, report; exit status 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--commands", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "convstep-mutants")
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        victims = prepare()
        found: Counter[str] = Counter()
        statuses: Counter[int] = Counter()
        start = time.monotonic()
        for first in range(0, options.count, _EACH):
            seeds = range(options.seed + first, options.seed + min(first + _EACH, options.count))
            for line in in_a_child(victims, seeds):
                note(line, statuses, found, victims, options.keep)
        for seed in range(options.seed + options.count, options.seed + options.count + options.commands):
            note(by_command(victims, seed), statuses, found, victims, options.keep)
    print(f"{options.count} mutants here, {options.commands} by the command line, {time.monotonic() - start:.0f} s")
    print("exit status:", ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items())))
    for what, count in found.most_common():
        print(f"{count:5}  {what}")
    raise SystemExit(1 if found else 0)


def note(line: str, statuses: Counter[int], found: Counter[str], victims: list[Victim], keep: Path) -> None:
    """Count one outcome: `SEED STATUS COMPLAINT`."""
    seed, status, complaint = line.split(" ", 2)
    statuses[int(status)] += 1
    if complaint:
        found[complaint.strip()[:300]] += 1
        victim, data, command = mutant(victims, int(seed))
        (keep / f"{seed}-{victim.name}").write_bytes(data)
        (keep / f"{seed}.txt").write_text(f"{' '.join(command)}\n{complaint}\n")


def prepare() -> list[Victim]:
    """The files in the working directory that are to be spoilt."""
    import numpy as np

    from convstep.debugger.opening import open_session
    from convstep.network import load

    for path in SAMPLES.iterdir():
        if path.suffix in (".yaml", ".npz"):
            shutil.copy(path, path.name)
    quick = (("run", "{}", "--iterations", "1"), ("info", "{}", "--json"), ("trace", "{}", "--to", "3", "--text"))
    nets = sorted(Path().glob("*.yaml"))
    victims = [Victim(net.name, mutations.TEXT, quick[1:2] if net.stem == "resnet18" else quick, 4) for net in nets]
    victims.append(Victim("two_conv.yaml", mutations.TEXT, (("check", "{}"), ("explain", "{}", "grad(w1)[1]")), 4))
    state = load("conv_pool_sigmoid.yaml").parameters
    np.savez("state.npz", **state)
    np.savez_compressed("packed.npz", **state)
    write_safetensors(Path("state.safetensors"), state)
    np.save("one.npy", np.arange(9.0).reshape(1, 1, 3, 3))
    for name in ("state.npz", "packed.npz", "state.safetensors"):
        text = Path("conv_pool_sigmoid.yaml").read_text() + f"\nweights: spoilt-{name}\n"
        Path(f"with-{name}.yaml").write_text(text)
        changes = mutations.SAFETENSORS if name.endswith("safetensors") else mutations.ARCHIVE
        victims.append(Victim(name, changes, (("run", f"with-{name}.yaml"), ("info", f"with-{name}.yaml")), 3))
    Path("with-one.yaml").write_text("inputs: {x: {file: spoilt-one.npy}}\nlayers: [{name: r, op: ReLU}]\n")
    victims.append(Victim("one.npy", (*mutations.ANY, mutations.huge_header), (("run", "with-one.yaml"),), 2))
    Path("with-digits.yaml").write_text(Path("digits.yaml").read_text().replace("digits.npz", "spoilt-digits.npz"))
    victims.append(Victim("digits.npz", mutations.ARCHIVE, (("run", "with-digits.yaml", "--iterations", "1"),), 1))
    truth = {"w1": np.array([[[[-30.0, -18], [6, 18]]]]), "grads/o2.weight": np.array([18.0, 24, 36, 42])}
    np.savez("mine.npz", **truth)
    write_safetensors(Path("mine.safetensors"), truth)
    for name, changes in (("mine.npz", mutations.ARCHIVE), ("mine.safetensors", mutations.SAFETENSORS)):
        victims.append(Victim(name, changes, (("diff", "two_conv.yaml", "{}"),), 2))
    for name, at in (("two_conv", "term 32"), ("conv_pool_sigmoid", "50%"), ("autoencoder", "iteration 1")):
        session = open_session(f"{name}.yaml", iterations=2, at=at)
        session.go("o1" if name == "two_conv" else "0")
        session.save(f"{name}.convstep")
        victims.append(Victim(f"{name}.convstep", mutations.SNAPSHOT, quick, 4))
    return [victim for victim in victims for _ in range(victim.weight)]


def write_safetensors(path: Path, arrays: dict[str, object]) -> None:
    """A .safetensors file of float64 arrays."""
    import json

    import numpy as np

    header, data = {}, b""
    for name, array in arrays.items():
        content = np.asarray(array, "<f8").tobytes()
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": "F64", "shape": list(np.shape(array)), "data_offsets": offsets}
        data += content
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def mutant(victims: list[Victim], seed: int) -> tuple[Victim, bytes, list[str]]:
    """The same spoilt file for the same seed, and the command that reads it."""
    choice = random.Random(seed)
    victim = choice.choice(victims)
    data = mutations.spoil(Path(victim.name).read_bytes(), victim.changes, choice)
    spoilt = f"spoilt-{victim.name}"
    return victim, data, [part.replace("{}", spoilt) for part in choice.choice(victim.commands)]


def in_a_child(victims: list[Victim], seeds: range) -> Iterator[str]:
    """Some mutants in a child process with a limit on its memory."""
    results = Path("results")
    results.write_text("")
    child = os.fork()
    if not child:
        status = 1
        try:
            limit_memory()
            with results.open("a", buffering=1) as file:
                for seed in seeds:
                    file.write(f"{seed} {here(victims, seed)}\n")
            status = 0
        finally:
            os._exit(status)  # whatever happens, the child does not go on as its parent
    _, status = os.waitpid(child, 0)
    lines = results.read_text().splitlines()
    yield from lines
    if status:
        yield f"{seeds.start + len(lines)} -1 the process ended with {status}"
        if len(lines) + 1 < len(seeds):
            yield from in_a_child(victims, range(seeds.start + len(lines) + 1, seeds.stop))


def limit_memory() -> None:
    """From here on this process gets so much more memory and no more."""
    statm = Path("/proc/self/statm")
    taken = int(statm.read_text().split()[0]) * resource.getpagesize() if statm.exists() else 0
    resource.setrlimit(resource.RLIMIT_AS, (taken + _ROOM, taken + _ROOM))


def here(victims: list[Victim], seed: int) -> str:
    """`STATUS COMPLAINT` of one mutant, in this process."""
    from convstep.cli import main

    victim, data, command = mutant(victims, seed)
    Path(f"spoilt-{victim.name}").write_bytes(data)
    out, said = io.StringIO(), io.StringIO()
    start = time.process_time()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            main(command)
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"-1 {type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {error}".replace("\n", " ")
    return f"{status} {complaint(status, out.getvalue(), said.getvalue(), time.process_time() - start, 0)}"


def by_command(victims: list[Victim], seed: int) -> str:
    """`SEED STATUS COMPLAINT` of one mutant, by the real command line."""
    victim, data, command = mutant(victims, seed)
    Path(f"spoilt-{victim.name}").write_bytes(data)
    with open("out", "wb") as out, open("said", "wb") as said:
        process = subprocess.Popen([sys.executable, "-m", "convstep", *command], stdout=out, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
    seconds, mib = usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024
    code = os.waitstatus_to_exitcode(status)
    texts = (Path(name).read_text("utf-8", "surrogateescape") for name in ("out", "said"))
    return f"{seed} {code} {complaint(code, *texts, seconds, mib)}"


def complaint(status: int, out: str, said: str, seconds: float, mib: int) -> str:
    """What is not as promised, on one line; "" where all is."""
    lines = said.splitlines()
    if status not in (0, 1, 2):
        return f"exit status {status}: {lines[-1:]}"
    if "Traceback" in said or "convstep itself failed" in said:
        return f"a traceback: {lines[-1:]}"
    if status == 2 and (len(lines) != 1 or not said.endswith("\n")):
        return f"{len(lines)} lines on standard error: {lines[:3]}"
    if any(not (c.isprintable() or c == "\n") for c in out + said):
        return f"a control character reaches the terminal: {(out + said)[:80]!r}"
    if status == 2 and seconds > _SECONDS:
        return f"slower than {_SECONDS:g} s: {lines}"
    if status == 2 and mib > _MIB:
        return f"more than {_MIB} MiB: {lines}"
    if status == 2 and len(said) > 700:
        return f"a line of {len(said)} characters"
    return ""


if __name__ == "__main__":
    main()
