"""A checked form becomes a graph: names resolved, shapes inferred, numbers in place."""

from __future__ import annotations

from dataclasses import replace
from math import inf, prod
from typing import Any

import numpy as np

from convstep.errors import ArgumentError, ConvstepError
from convstep.memory import available, in_words
from convstep.network.blank import MOST_ELEMENTS, is_blank
from convstep.network.claims import claims
from convstep.network.footprint import iteration_sizes, peak_bytes
from convstep.network.graph import Graph, Node
from convstep.network.late import Numbers
from convstep.network.namespace import Namespace, check_parameter_names, check_symbols
from convstep.network.parameters import Parameters, Slot, resolve, slots_of
from convstep.network.schema import Form, Layer, check
from convstep.network.source import Source
from convstep.network.tensors import Tensors
from convstep.network.words import about, did_you_mean
from convstep.ops.base import Array, Operation, Spec

_MADE_AT_ONCE = 2**20
"""So many elements are made before it is known whether the rest has room."""


def build(source: Source, numbers: bool = True) -> Graph:
    """The graph of a document; without `numbers`, large given tensors stay blank: there need not be room for them.

    Raises ConvstepError with the place of the first mistake, and where the memory is too small.
    """
    form = check(source)
    outline = _Builder(source, form, _MADE_AT_ONCE)
    graph = outline.graph()
    if not numbers:
        return graph
    _check_room(source, form, graph, outline.tensors.drawing)
    return _Builder(source, form).graph() if outline.tensors.is_outline else graph


def _check_room(source: Source, form: Form, graph: Graph, drawing: list[int]) -> None:
    """Raises ConvstepError, about what takes the most, where the network needs more memory than there is."""
    room, needed = available(), peak_bytes(graph, drawing)
    if room is None or needed <= room:
        return
    sizes = iteration_sizes(graph)
    largest = max(sizes, key=lambda name: sizes[name])
    layers = [*form.layers, form.loss] if form.loss is not None else list(form.layers)
    owners = [layer for layer in layers if largest == layer.name or largest.startswith(f"{layer.name}.")]
    where = ("inputs", largest) if largest in graph.inputs else max(owners, key=lambda at: len(at.name)).where
    what = (
        f"the network needs {in_words(needed)} of memory, and {in_words(room)} are free; "
        f"'{largest}' takes the most of it: make it smaller"
    )
    raise source.error(where, what, key=where[0] == "inputs")


class _Builder:
    def __init__(self, source: Source, form: Form, room: float = inf) -> None:
        self.source, self.form, self.document = source, form, form.document
        self.tensors = Tensors(source, np.dtype(self.document.dtype), self.document.seed, room)

    def graph(self) -> Graph:
        document, form = self.document, self.form
        namespace = Namespace(self.source, form)
        data = {name: self.tensors.read(("inputs", name), name) for name in document.inputs}
        inputs = self._batch(data)
        for name, spec in inputs.items():
            namespace.define(name, spec)
        slots: list[Slot] = []
        bound = [self._bind(layer, namespace, slots) for layer in form.layers]
        loss = None if form.loss is None else self._loss(form.loss, namespace, slots)
        self._check_data([*bound, loss] if loss else bound, data)
        every = [*form.layers, form.loss] if form.loss is not None else list(form.layers)
        check_parameter_names(self.source, namespace, every, [slot.name for slot in slots])
        parameters = resolve(self.source, self.tensors, slots, document.weights)
        layers = tuple(_with_parameters(node, parameters) for node in bound)
        seeds = self._seeds(layers)
        shapes = {name: namespace[name].shape for name in namespace.names}
        shapes |= {slot.name: slot.declared.shape for slot in slots}
        check_symbols(self.source, document.symbols, shapes)
        name = self.source.name if document.name is None else document.name
        backward = loss is not None or bool(seeds)
        buffers = {slot.name for slot in slots if slot.is_buffer}
        return Graph(
            name=name,
            about=document.about,
            dtype=self.tensors.dtype,
            seed=document.seed,
            mode=document.mode,
            data=data,
            inputs=inputs,
            layers=layers,
            loss=None if loss is None else _with_parameters(loss, parameters),
            seeds=seeds,
            parameters=Numbers({name: array for name, array in parameters.values.items() if name not in buffers}),
            buffers=Numbers({name: array for name, array in parameters.values.items() if name in buffers}),
            aliases=parameters.aliases,
            optimizer=form.optimizer if backward else None,
            scheduler=form.scheduler if backward else None,
            iterations=document.iterations,
            batch_size=document.batch_size,
            symbols=dict(document.symbols),
            indexing=document.indexing,
            claims=claims(self.source, form, shapes),
            files=tuple(dict.fromkeys(self.tensors.files)),
            written=self._written(name, data, seeds, slots, parameters),
        )

    # -- inputs

    def _batch(self, data: dict[str, Array]) -> dict[str, Spec]:
        """The inputs' shapes within one iteration."""
        rows = self.document.batch_size
        first = next(iter(data.values()), None)
        if rows is not None and (first is None or not first.ndim):
            what = "batch_size takes rows of the first input, which has none; give the input a first dimension"
            raise self.source.error(("batch_size",), what)
        specs = {}
        for name, array in data.items():
            batched = rows is not None and first is not None and array.ndim and array.shape[0] == first.shape[0]
            shape = (rows, *array.shape[1:]) if batched and rows is not None else array.shape
            specs[name] = Spec(shape, array.dtype)
        return specs

    # -- layers

    def _bind(self, layer: Layer, namespace: Namespace, slots: list[Slot]) -> Node:
        names = layer.inputs if layer.inputs is not None else self._default_inputs(layer)
        specs = [namespace.read(layer, k, name) for k, name in enumerate(names)]
        op = self._bound(layer, specs)
        slots += slots_of(self.source, layer, op, in_weights=layer is not self.form.loss)
        namespace.define(layer.name, op.output)
        parameters, buffers, masks = (
            {local: f"{layer.name}.{local}" for local in owned} for owned in (op.parameters, op.buffers, op.masks)
        )
        return Node(layer.name, op, tuple(names), parameters, buffers, masks)

    def _default_inputs(self, layer: Layer) -> tuple[str, ...]:
        """The layer above; for the first layer the first of `inputs`."""
        number = layer.where[1]
        assert isinstance(number, int)
        if number:
            return (self.form.layers[number - 1].name,)
        if not self.document.inputs:
            raise self.source.error(layer.where, f"'{layer.name}' has nothing to read; add a tensor to `inputs`")
        return (next(iter(self.document.inputs)),)

    def _bound(self, layer: Layer, specs: list[Spec]) -> Operation:
        try:
            op = layer.op.bind(specs, self.document.mode == "train", self.tensors.dtype)
        except ArgumentError as error:
            raise self._argument_error(layer, error, specs) from None
        except (MemoryError, OverflowError, ValueError) as error:
            # What numpy says of arrays beyond the address space; any other ValueError is no matter of size.
            if isinstance(error, ValueError) and not ("Maximum allowed" in str(error) or "too big" in str(error)):
                raise
            what = f"the sizes of '{layer.name}' are beyond any memory"
            if isinstance(error, MemoryError) and error.args:
                what = f"'{layer.name}': {error}; make them fewer or smaller"
            raise self.source.error(layer.where, what) from None
        for what, size in [("output", op.output.size), *((n, prod(p.shape)) for n, p in op.parameters.items())]:
            if size > MOST_ELEMENTS:
                message = f"the {what} of '{layer.name}' would hold {size} numbers, beyond any memory"
                raise self.source.error(layer.where, message)
        return op

    def _argument_error(self, layer: Layer, error: ArgumentError, specs: list[Spec]) -> ConvstepError:
        kind, argument, message = type(layer.op).__name__, error.argument, str(error)
        if argument is not None and argument != "inputs":
            where = (*layer.where, argument) if argument in layer.arguments else layer.where
            return self.source.error(where, about(argument, message))
        where = (*layer.where, "op" if layer.inputs is None else "inputs")
        return self.source.error(where, message if message.startswith(kind) else about(kind, message))

    def _check_data(self, nodes: list[Node], data: dict[str, Array]) -> None:
        """Inputs hold only numbers that the operations which read them can use."""
        for node in nodes:
            for slot, name in enumerate(node.inputs):
                if name in data and not is_blank(data[name]):
                    try:
                        node.op.check_data(slot, data[name])
                    except ArgumentError as error:
                        raise self.source.error(
                            ("inputs", name), f"'{name}', which {node.name} reads: {error}"
                        ) from None

    # -- where the backward pass starts

    def _loss(self, layer: Layer, namespace: Namespace, slots: list[Slot]) -> Node:
        if layer.inputs is None:
            last = self.form.layers[-1].name
            used = {name for other in self.form.layers for name in other.inputs or ()}
            free = [name for name in list(self.document.inputs)[1:] if name not in used]
            pair = f"[{last}, {free[0] if free else 'target'}]"
            raise self.source.error(layer.where, f"the loss needs `inputs`: prediction and target, such as {pair}")
        node = self._bind(layer, namespace, slots)
        if node.op.output.shape != ():
            what = f"the loss must be one number, not {list(node.op.output.shape)}; use reduction mean or sum here"
            where = (*layer.where, "reduction" if "reduction" in layer.arguments else "op")
            raise self.source.error(where, f"{what}, or put {layer.name} among the layers")
        return node

    def _seeds(self, layers: tuple[Node, ...]) -> dict[str, Array]:
        given = self.document.gradient
        if given is None:
            return {}
        if self.form.loss is not None:
            what = "`loss` and `gradient` are two ways to start the backward pass; keep one"
            raise self.source.error(("gradient",), what, key=True)
        by_name = {node.name: node for node in layers}
        seeds = {}
        for name in given:
            if name not in by_name:
                what = f"gradients start at layers, and there is no layer '{name}'{did_you_mean(name, by_name)}"
                raise self.source.error(("gradient", name), what, key=True)
            shape = by_name[name].op.output.shape
            seeds[name] = self.tensors.read(("gradient", name), f"the gradient of {name}", shape)
        return seeds

    # -- the document

    def _written(
        self, name: str, data: dict[str, Array], seeds: dict[str, Array], slots: list[Slot], parameters: Parameters
    ) -> dict[str, Any]:
        """The network with its tensors in place, from which the same graph is built anywhere."""
        tensors: dict[str, dict[str, Any]] = {}
        for slot in slots:
            value: Any = parameters.shared.get(slot.name)
            if value is None:
                value = parameters.values[parameters.aliases[slot.name]]
            tensors.setdefault(slot.layer.name, {})[slot.local] = value

        def section(layer: Layer) -> dict[str, Any]:
            names = layer.inputs if layer.inputs is not None else self._default_inputs(layer)
            head = {"name": layer.name, "op": type(layer.op).__name__, "inputs": list(names)}
            return {**head, **layer.arguments, **tensors.get(layer.name, {})}

        replaced = {"convstep", "name", "inputs", "layers", "loss", "weights", "gradient"}
        given = {key: value for key, value in self.form.written.items() if key not in replaced}
        layers = [section(layer) for layer in self.form.layers]
        plain: dict[str, Any] = {"convstep": 1, "name": name, **given, "inputs": data, "layers": layers}
        if self.form.loss is not None:
            plain["loss"] = section(self.form.loss)
        if seeds:
            plain["gradient"] = seeds
        return plain


def _with_parameters(node: Node, parameters: Parameters) -> Node:
    return replace(node, parameters={local: parameters.aliases[name] for local, name in node.parameters.items()})
