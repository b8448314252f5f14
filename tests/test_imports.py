"""What an import costs: in a fresh interpreter, heavy things are imported by nobody who does not use them."""

import subprocess
import sys

import pytest
from networks import sample

HEAVY = {"textual", "rich", "torch", "sympy", "safetensors"}


def modules_after(code):
    code = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def loaded_after(code):
    return {name.partition(".")[0] for name in modules_after(code)}


def test_importing_convstep_imports_next_to_nothing():
    loaded = loaded_after("import convstep")
    assert not loaded & {*HEAVY, "numpy", "yaml"}


@pytest.mark.parametrize(
    "code",
    [
        "import convstep.engine.recording, convstep.engine.state, convstep.engine.trace, convstep.engine.results",
        "import convstep.debugger.session, convstep.debugger.screen.builder, convstep.debugger.keeping.snapshot",
        f"import convstep; convstep.run({sample('two_conv')!r})",
        f"import convstep; list(convstep.trace({sample('digits')!r}, 'term', stop=3))",
        f"from convstep.debugger.opening import open_session; open_session({sample('two_conv')!r}, at='o1').view()",
        "import convstep.cli",
    ],
)
def test_nothing_below_the_screen_imports_it(code):
    assert not loaded_after(code) & HEAVY


def test_a_first_view_imports_nothing_for_answers():
    code = f"from convstep.debugger.opening import open_session; open_session({sample('digits')!r}).view()"
    answers = (
        "convstep.debugger.claims.",
        "convstep.debugger.prediction",
        "convstep.debugger.stops.desk",
        "convstep.debugger.whatif.edits",
        "convstep.debugger.whatif.comparing",
        "convstep.explain.claims.",
        "convstep.explain.formula.",
        "convstep.explain.gradcheck",
        "convstep.explain.language.",
        "convstep.explain.mistakes.",
        "convstep.explain.provenance.",
        "convstep.explain.views.",
    )
    modules = modules_after(code)
    assert not [name for name in modules if name.startswith(answers)]
    assert not {name.partition(".")[0] for name in modules} & HEAVY


def test_the_command_line_alone_is_light():
    loaded = loaded_after("import convstep.cli")
    assert not loaded & {"numpy", "yaml"}
