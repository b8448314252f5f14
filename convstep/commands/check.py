"""`convstep check`: every gradient against central differences, and every claim against the truth."""

from __future__ import annotations

import argparse
import json
import shlex
from typing import Any

from convstep.commands import add_file, open_network
from convstep.debugger.keeping.snapshot import read_if_snapshot
from convstep.engine.recording import Recording
from convstep.engine.trace import plain
from convstep.errors import ConvstepError
from convstep.explain.claims.claims import ClaimError, Verdict, judge
from convstep.explain.gradcheck import GradientCheck, check_gradients, checked_names
from convstep.explain.naming import Names
from convstep.explain.numbers import scientific, short
from convstep.network.graph import Graph
from convstep.progress import Progress

_MOST_FAILURES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_file(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def run(options: argparse.Namespace) -> int:
    """Do it; the exit status."""
    graph = open_network(options)
    verdicts = _verdicts(options.file, graph)
    if options.json:
        with Progress(len(checked_names(graph)), counts="gradients", terminal=True) as progress:
            checks = [_shown(progress, k, check) for k, check in enumerate(check_gradients(graph))]
        ok = all(check.ok for check in checks) and all(verdict.ok for verdict in verdicts)
        gradients = [_line(check) for check in checks]
        print(json.dumps({"gradients": gradients, "claims": [verdict.line() for verdict in verdicts], "ok": ok}))
    else:
        ok = _print_gradients(options.file, graph)
        ok = _print_claims(options.file, verdicts) and ok
    return 0 if ok else 1


def _verdicts(file: str, graph: Graph) -> list[Verdict]:
    """The verdicts on all claims. Raises ConvstepError with the place of one that cannot be judged."""
    if not graph.claims:
        return []
    try:
        with Progress(len(graph.claims), counts="claims", terminal=True) as progress:
            return judge(Recording(graph, kept_bytes=0), progress.show)
    except ClaimError as error:
        raise ConvstepError(f"{_place(file, error)}{error}") from None


def _place(file: str, error: ClaimError) -> str:
    where = ("claims", error.number, error.key)
    if read_if_snapshot(file) is not None:
        return f"{file}: claims[{error.number}].{error.key}: "
    from convstep.network.yaml_source import YamlSource

    return YamlSource(file).place(where)


def _shown(progress: Progress, number: int, check: GradientCheck) -> GradientCheck:
    progress.show(number)
    return check


def _line(check: GradientCheck) -> dict[str, Any]:
    line = {"name": check.name, "max_abs_error": plain(check.max_abs_error), "ok": check.ok}
    return {**line, "note": check.note} if check.note else line


def _print_gradients(file: str, graph: Graph) -> bool:
    """One line a gradient as soon as it is checked, and the elements that failed."""
    names = Names(graph)
    checked = checked_names(graph)
    if not checked:
        print("there are no gradients to check: the network has no loss and no given gradient")
        return True
    width = max(len(names.tensor(f"grad({name})")) for name in checked)
    print("gradients, by central differences", flush=True)
    ok = True
    with Progress(len(checked), counts="gradients", terminal=True) as progress:
        for k, check in enumerate(check_gradients(graph)):
            ok = ok and check.ok
            with progress.aside():
                _print_gradient(file, names, check, width)
            progress.show(k)
    return ok


def _print_gradient(file: str, names: Names, check: GradientCheck, width: int) -> None:
    verdict = "ok" if check.ok else "WRONG"
    note = f"  ({check.note})" if check.note else ""
    error = scientific(check.max_abs_error)
    print(f"  {names.tensor(f'grad({check.name})'):{width}}  {verdict:5}  largest error {error:8}{note}", flush=True)
    for failure in check.failures[:_MOST_FAILURES]:
        of = names.element(f"grad({check.name})", failure.index, check.shape)
        numbers = f"{short(failure.gradient)}, by differences {short(failure.difference)}"
        print(f"    {of} is {numbers}; look: {_look(file, of)}")
    if len(check.failures) > _MOST_FAILURES:
        print(f"    and {len(check.failures) - _MOST_FAILURES} more elements")


def _print_claims(file: str, verdicts: list[Verdict]) -> bool:
    if verdicts:
        print("claims")
    for verdict in verdicts:
        print(f"  {'ok' if verdict.ok else 'WRONG':5}  {verdict.of} = {verdict.claim}")
        for reason in verdict.why:
            print(f"         {reason}")
        if not verdict.ok:
            print(f"         look: {_look(file, verdict.of)}")
    return all(verdict.ok for verdict in verdicts)


def _look(file: str, of: str) -> str:
    return f"convstep {shlex.quote(file)} --at {shlex.quote(of)}"
