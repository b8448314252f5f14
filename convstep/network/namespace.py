"""One namespace: inputs, layers, the loss and their parameters; and the symbols that people write for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from convstep.network.schema import Form, Layer
from convstep.network.source import Source, Where
from convstep.network.words import did_you_mean, show
from convstep.ops.base import Spec


class Namespace:
    """The tensors that an operation may read. Names are given once; what comes later cannot be read yet."""

    def __init__(self, source: Source, form: Form) -> None:
        self._source = source
        self._specs: dict[str, Spec] = {}
        self._later: dict[str, str] = {}
        for name in form.document.inputs:
            self._take(name, "an input", ("inputs", name), key=True)
        for layer in form.layers:
            self._take(layer.name, "a layer", (*layer.where, "name"))
        if form.loss is not None:
            self._take(form.loss.name, "the loss", (*form.loss.where, "name"))

    def _take(self, name: str, kind: str, where: Where, key: bool = False) -> None:
        if name in self._later:
            what = f"the name '{name}' is taken by {self._later[name]} above; every input, layer and loss has its own"
            raise self._source.error(where, what, key)
        self._later[name] = kind

    def define(self, name: str, spec: Spec) -> None:
        """From here on the tensor can be read."""
        self._specs[name] = spec

    def __getitem__(self, name: str) -> Spec:
        return self._specs[name]

    @property
    def names(self) -> list[str]:
        """All inputs, layers and the loss, in file order."""
        return list(self._later)

    def read(self, layer: Layer, k: int, name: str) -> Spec:
        """The tensor that stands k-th in a layer's `inputs`. Raises ConvstepError where there is none yet."""
        if name in self._specs:
            return self._specs[name]
        where = (*layer.where, "inputs", k)
        if name == layer.name:
            raise self._source.error(where, f"'{name}' cannot read itself; it reads inputs and layers above it")
        if name in self._later:
            what = f"'{name}' is defined below; a layer reads inputs and layers above it, so move '{name}' up"
            raise self._source.error(where, what)
        what = f"there is no input or layer '{name}'{did_you_mean(name, self._specs)}"
        raise self._source.error(where, what)


def check_parameter_names(source: Source, namespace: Namespace, layers: Iterable[Layer], names: Iterable[str]) -> None:
    """A layer called `fc.bias` beside `fc`, which has a bias of that name, would be two tensors of one name."""
    parameters = set(names)
    for layer in layers:
        if layer.name in parameters:
            what = f"the name '{layer.name}' is taken by a parameter; give the layer another"
            raise source.error((*layer.where, "name"), what)
    for name in namespace.names:
        if name in parameters:
            raise source.error(("inputs", name), f"the name '{name}' is taken by a parameter", key=True)


def check_symbols(source: Source, symbols: Mapping[str, str], tensors: Iterable[str]) -> None:
    """Symbols stand for tensors that exist, and none is the name of something else."""
    names = list(tensors)
    owners: dict[str, str] = {}
    for target, symbol in symbols.items():
        where = ("symbols", target)
        if target not in names:
            raise source.error(where, f"there is no tensor '{target}'{did_you_mean(target, names)}", key=True)
        if symbol in names and symbol != target:
            raise source.error(where, f"the symbol {show(symbol)} is already a tensor's name; choose another")
        if symbol in owners:
            raise source.error(
                where, f"the symbol {show(symbol)} stands for '{owners[symbol]}' already; choose another"
            )
        owners[symbol] = target
