"""Conditions that nobody wrote, about the tensors of a network."""

import numpy as np

from convstep.debugger.stops.timed import tensor_of
from convstep.engine.recording import Recording
from convstep.explain.language.vocabulary import vocabulary
from convstep.explain.naming import Names
from convstep.network import load

_INSIDE = ["product", "local", "upstream", "value", "term", "sum", "factors[0]", "factors[1]", "factors[2]"]
_OF_SUMS = [
    "2 * sum", "1 - sum", "sum / -3", "sum - sum", "exp(sum)", "sum ** 2", "sum ** 3", "sum ** -1", "sqrt(sum)",
    "log(abs(sum))", "tanh(sum) / sum", "max(sum, 1)", "abs(sum - 1)", "sum - product", "exp(product)",
]  # fmt: skip


def recorded(source):
    """The recording of a network, and what a condition on it may say."""
    recording = Recording(load(source))
    return recording, vocabulary(recording.graph, recording.timeline, Names(recording.graph))


def pick_condition(recording, words, choice):
    """A condition about tensors of this network, with numbers that occur in it."""
    keys = sorted(key for key in words.keys if np.prod(words.names.shape(key)))
    shown = words.names.tensor

    def tensor():
        key = choice.choice(keys)
        shape = words.names.shape(key)
        values = _values(recording, key).reshape(-1)
        if choice.random() < 0.4 and shape:
            flat = choice.randrange(values.size)
            return words.names.element(key, flat, shape), values[flat]
        name = choice.choice(["{}", "{}", "abs({})", "max({})", "sum({})", "min({})", "mean({})"]).format(shown(key))
        return name, choice.choice(values.tolist())

    def about():
        name, value = tensor()
        sign = choice.choice(["<", "<=", ">", ">=", "==", "!="])
        number = f"{choice.choice([value, value, 0.0, value * 1.5]):.17g}".replace("-", "-")
        word = choice.choice(["phase", "layer", "op", "level"])
        text = choice.choice(sorted(words.texts[word]))
        spot = choice.randrange(200)
        return choice.choice(
            [
                f"{name} {sign} {number}",
                f"{name} {sign} prev({name})",
                f"{word} == '{text}'",
                f"position {sign} {spot}",
                f"iteration {sign} 1",
                f"any({shown(choice.choice(keys))} {sign} {number} or iteration == 5)",
                f"all({name} {sign} {number})",
                f"isnan({name})",
                f"sum {sign} {number}",
                f"abs(sum) {sign} {number}",
                f"{choice.choice(_OF_SUMS)} {sign} {number}",
                f"sum {sign} sum",
                f"{choice.choice(_INSIDE)} {sign} {number}",
                f"{choice.choice(_INSIDE)} {sign} {number}",
                f"abs({choice.choice(_INSIDE)}) {sign} abs({choice.choice(_INSIDE)})",
                f"index[{choice.choice([0, 1, -1])}] {sign} {choice.choice([0, 1])}",
                f"isfinite({choice.choice(_INSIDE)} * {number})",
                f"{choice.choice(['isnan', 'isinf', 'isfinite'])}({choice.choice(['sum', '1e200 * sum'])})",
            ]
        )

    text = about()
    for _ in range(choice.choice([0, 0, 1, 1, 2])):
        text = f"{choice.choice(['not ', ''])}({text}) {choice.choice(['and', 'or'])} {about()}"
    return text


def _values(recording, key):
    values = np.asarray(tensor_of(recording.iteration(0), key), dtype=np.float64)
    return np.where(np.isfinite(values), values, 1.0)
