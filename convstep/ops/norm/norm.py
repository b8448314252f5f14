"""What all norms have in common in their steps and words; their numbers are in `standardise`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from convstep.ops.arguments import constant
from convstep.ops.base import OUTPUT, Array, Call, Naming, Read, Term, quiet
from convstep.ops.norm.bounded_norm import BoundedNorm


class Norm(BoundedNorm):
    """A norm with its terms, intermediates and sentences."""

    each: ClassVar[str]
    """What is brought to mean 0 and variance 1: "channel"."""
    own_group: ClassVar[str]
    """The group of one element, in a sentence: "its channel"."""

    def term_count(self) -> int:
        statistics = 0 if self.fixed else 1 + self.centred
        return statistics + self.centred + 1 + ("weight" in self.slots) + ("bias" in self.slots)

    @quiet
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        mean, var = self._reads(call, out)
        x, channel = Read(0, out, call.value(0, out)), int(self.layout.channel(np.array(out)))
        terms: list[Term] = []
        if not self.fixed:
            terms = self._statistic_terms(mean.value, var.value)
        made = x
        if self.centred:
            terms.append(Term((x, mean), x.value - mean.value, does="x − mean"))
            made = Read("x − mean", 0, x.value - mean.value)
        value = float(made.value / np.sqrt(np.float64(var.value + self.epsilon)))
        steps = [(f"divide by √({self._var} + {constant(self.epsilon)})", made, var, value)]
        for name, does in (("weight", "times the weight"), ("bias", "plus the bias")):
            if name in self.slots:
                read = Read(self.slots[name], channel, call.value(self.slots[name], channel))
                before = Read("x̂" if len(steps) == 1 else "x̂ · weight", 0, value)
                value = value * read.value if name == "weight" else value + read.value
                steps.append((does, before, read, value))
        last = len(steps) - 1
        terms += [Term((a, b), v, does=does, holds=v if k == last else None) for k, (does, a, b, v) in enumerate(steps)]
        return terms

    @property
    def _var(self) -> str:
        return "var" if self.centred else "mean square"

    def _reads(self, call: Call, out: int) -> tuple[Read, Read]:
        """The mean and the variance that go with an output element, as they are read."""
        numbers = (float(self._statistic(call, name, np.array([out]))[0]) for name in ("mean", "var"))
        if not self.fixed:
            mean, var = (Read(name, 0, number) for name, number in zip(("mean", self._var), numbers, strict=True))
            return mean, var
        channel = int(self.layout.channel(np.array(out)))
        mean, var = (
            Read(self.slots[f"running_{n}"], channel, v) for n, v in zip(("mean", "var"), numbers, strict=True)
        )
        return mean, var

    def _statistic_terms(self, mean: float, var: float) -> list[Term]:
        """Mean and variance (`mean`, `var`) are made once for the whole group; every element of it reads them."""
        of = f"of the {self.layout.group_size} numbers of {self.own_group} (made once)"
        if not self.centred:
            return [Term((), var, does=f"mean square {of}")]
        return [Term((), mean, does=f"mean {of}"), Term((), var, does=f"variance {of}")]

    @quiet
    def intermediates(self, call: Call, out: int) -> list[tuple[str, Array]]:
        index = np.array([out])
        members = index if self.fixed else self.layout.members(self.layout.group(index))[0]
        rows = [(self._var, self._statistic(call, "var", index)), ("x̂", self.standard(call, members))]
        return [("mean", self._statistic(call, "mean", index)), *rows] if self.centred else rows

    # -- in words

    def tell(self, naming: Naming) -> str:
        minus = "minus {}, " if self.centred else ""
        if self.fixed:
            mean, var = (naming.tensor(self.slots[name]) for name in ("running_mean", "running_var"))
            how = f"{minus.format(mean)}divided by √({var} + {constant(self.epsilon)})"
        else:
            count = self.layout.group_size
            spread = "variance" if self.centred else self._var
            how = f"{count} numbers each: {minus.format('their mean')}divided by √({spread} + {constant(self.epsilon)})"
        parts = [f"normalises every {self.each} of {naming.tensor(0)} ({how})"]
        for name, verb in (("weight", "scales it by"), ("bias", "shifts it by")):
            if name in self.slots:
                parts.append(f"{verb} {naming.tensor(self.slots[name])}")
        return ", ".join(parts)

    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        x, channel = naming.element(0, out), int(self.layout.channel(np.array(out)))
        mean, var = (naming.number(read.value) for read in self._reads(call, out))
        minus = f" minus the mean {mean}" if self.centred else ""
        words = f"is {x} = {naming.number(call.value(0, out))}{minus}, divided by √({var} + {constant(self.epsilon)})"
        for name, verb in (("weight", "times"), ("bias", "plus")):
            if name in self.slots:
                words += f", {verb} {naming.element(self.slots[name], channel)}"
        return words

    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        made, name = naming.element(OUTPUT, out), naming.element(slot, into)
        if slot:
            standard = naming.number(float(self.standard(call, np.array([out]))[0]))
            if slot == self.slots.get("weight"):
                return f"{name} scaled the normalised number x̂ = {standard} when {made} was made"
            return f"{name} was added when {made} was made"
        x = f"{name} = {naming.number(call.value(0, into))}"
        if self.fixed:
            return f"{made} is {x} normalised with running statistics, which do not depend on it"
        through = f"the mean and the variance of {self.own_group}" if self.centred else f"the {self._var}"
        if out == into:
            return f"{made} is {x} normalised, and {x.split(' = ')[0]} is also part of {through}"
        return f"{x} reached {made} only as part of {through}"
