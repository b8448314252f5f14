"""What an operation is: everything that the rest of the program may ask of it, in the words of `records`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from convstep.errors import ArgumentError
from convstep.ops.checked import Checked
from convstep.ops.expression import Expression, Number
from convstep.ops.records import OUTPUT as OUTPUT
from convstep.ops.records import Array as Array
from convstep.ops.records import Call as Call
from convstep.ops.records import Empty as Empty
from convstep.ops.records import IntArray as IntArray
from convstep.ops.records import Links as Links
from convstep.ops.records import Naming as Naming
from convstep.ops.records import Parameter as Parameter
from convstep.ops.records import Read as Read
from convstep.ops.records import Reads as Reads
from convstep.ops.records import Shape as Shape
from convstep.ops.records import Spec as Spec
from convstep.ops.records import Term as Term
from convstep.ops.records import quiet as quiet


class Operation(Checked, ABC):
    """One operation. The fields of a subclass are its arguments, named as in torch.nn.

    `bind` fixes the shapes; everything below it may be asked of a bound operation only. Counts follow from
    shapes alone, never from data. Methods that take arrays of indices are vectorised over them.
    """

    min_inputs: ClassVar[int] = 1
    max_inputs: ClassVar[int | None] = 1
    parameter_names: ClassVar[tuple[str, ...]] = ()
    buffer_names: ClassVar[tuple[str, ...]] = ()
    is_loss: ClassVar[bool] = False

    _inputs: tuple[Spec, ...] = ()
    _parameters: dict[str, Parameter] = {}
    _buffers: dict[str, Parameter] = {}
    _masks: dict[str, Shape] = {}
    _output: Spec = Spec((), np.dtype(np.float64))
    _training: bool = True
    _net_dtype: np.dtype[Any] = np.dtype(np.float64)

    def __init__(self, /, **given: Any) -> None:
        # None as torch's `device` or `dtype` of parameters is the net's own, and the only one here.
        places = ("device", "dtype") if self.parameter_names else ()
        super().__init__(**{name: value for name, value in given.items() if value is not None or name not in places})

    # -- shapes ---------------------------------------------------------------------------------

    def bind(self, inputs: Sequence[Spec], training: bool = True, net_dtype: np.dtype[Any] | None = None) -> Self:
        """The same operation on inputs of these shapes, in train or eval mode, inferred arguments filled in.

        `net_dtype` is that of the parameters (float64). Raises ArgumentError where they do not fit.
        """
        least, most = self.min_inputs, self.max_inputs
        if len(inputs) < least or (most is not None and len(inputs) > most):
            wanted = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
            raise ArgumentError(
                "inputs", f"{type(self).__name__} takes {wanted} input{'s' * (wanted != '1')}, not {len(inputs)}"
            )
        bound = self.infer(inputs)
        # Bound before? Then nothing cached holds any more.
        for name in bound.__dict__.keys() - bound.fields().keys():
            del bound.__dict__[name]
        bound._inputs = tuple(inputs)
        bound._training = training
        bound._net_dtype = np.dtype(np.float64) if net_dtype is None else net_dtype
        bound._parameters = bound.declare()
        bound._buffers = bound.declare_buffers()
        bound._masks = bound.declare_masks()
        bound._output = bound.infer_output()
        return bound

    def infer(self, inputs: Sequence[Spec]) -> Self:
        """A copy with the arguments that follow from the inputs (in_channels …) filled in and checked."""
        return self.replace()

    def declare(self) -> dict[str, Parameter]:
        """The parameters, in state_dict order. `inputs` is known."""
        return {}

    def declare_buffers(self) -> dict[str, Parameter]:
        """The buffers (running statistics, class weights), in state_dict order."""
        return {}

    def declare_masks(self) -> dict[str, Shape]:
        """Tensors that are drawn anew in each iteration: a dropout's `mask`."""
        return {}

    @abstractmethod
    def infer_output(self) -> Spec:
        """Shape and dtype of the output. `inputs` and `parameters` are known."""

    @property
    def inputs(self) -> tuple[Spec, ...]:
        return self._inputs

    @property
    def parameters(self) -> dict[str, Parameter]:
        return self._parameters

    @property
    def buffers(self) -> dict[str, Parameter]:
        return self._buffers

    @property
    def masks(self) -> dict[str, Shape]:
        return self._masks

    @property
    def training(self) -> bool:
        return self._training

    @property
    def net_dtype(self) -> np.dtype[Any]:
        """The dtype of the net's parameters."""
        return self._net_dtype

    @property
    def output(self) -> Spec:
        return self._output

    def operand_shape(self, slot: int) -> Shape:
        """The shape of an operand, or of the output (`OUTPUT`)."""
        if slot == OUTPUT:
            return self._output.shape
        owned = (*self._parameters.values(), *self._buffers.values())
        shapes = [*(spec.shape for spec in self._inputs), *(tensor.shape for tensor in owned), *self._masks.values()]
        return shapes[slot]

    def is_differentiable(self, slot: int) -> bool:
        """Whether an operand can have a gradient: float inputs and parameters."""
        count = len(self._inputs)
        return self._inputs[slot].is_float if slot < count else slot < count + len(self._parameters)

    def check_data(self, slot: int, values: Array) -> None:
        """Raises ArgumentError where an input cannot hold these numbers, such as class labels out of range."""

    # -- the whole tensor -----------------------------------------------------------------------

    @abstractmethod
    def forward(self, operands: tuple[Array, ...], saved: dict[str, Array]) -> Array:
        """The whole output. What `vjp` will need besides operands and output may be put into `saved`."""

    def draw(self, mask: str, uniform: Array) -> Array:
        """A mask from uniform numbers in [0, 1) of its shape."""
        raise ArgumentError(None, f"{type(self).__name__} draws no {mask}")

    def rewritten(self, operands: tuple[Array, ...]) -> dict[str, Array]:
        """The parameters that this operation changes before it reads them, as they are then."""
        return {}

    def new_buffers(self, call: Call) -> dict[str, Array]:
        """The buffers that this call changes, as they are after it (in train mode)."""
        return {}

    @property
    def kept_bytes(self) -> int:
        """What the operation itself keeps: tables of its windows."""
        return 0

    @property
    def passing_bytes(self) -> int:
        """What `forward` or `vjp` takes for a while beside what it reads and writes, about."""
        return self.output.size * self.output.dtype.itemsize

    @abstractmethod
    def vjp(self, call: Call, upstream: Array, wanted: Sequence[bool]) -> list[Array | None]:
        """One gradient per operand for the upstream gradient (the output's shape); `None` where not wanted."""

    # -- one element: Jacobian rows and columns ---------------------------------------------------

    @abstractmethod
    def row_grid(self, slot: int) -> Shape:
        """How the n links of a row are laid out for the eye; their number is the product."""

    @abstractmethod
    def column_grid(self, slot: int) -> Shape:
        """How the n links of a column are laid out for the eye; their number is the product."""

    @abstractmethod
    def row(self, call: Call, slot: int, out: IntArray) -> Links:
        """For each output element, the elements of operand `slot` that it reads, in the order of its terms."""

    @abstractmethod
    def column(self, call: Call, slot: int, into: IntArray) -> Links:
        """For each element of operand `slot`, the output elements it feeds, ascending, then by tap."""

    def partner_slot(self, slot: int) -> int | None:
        """The operand that operand `slot` is multiplied with, where there is one."""
        return None

    def derivative(self, call: Call, slot: int, out: int, into: int, partner: int) -> Expression:
        """∂output[out]/∂operand[into] as an expression."""
        links = self.column(call, slot, np.array([into]))
        return Number(float(links.local[links.index == out].sum()))

    def at_kink(self, call: Call, slot: int, out: IntArray, into: IntArray) -> npt.NDArray[np.bool_]:
        """Which derivatives are a matter of convention, as a ReLU's at 0; `tell_link` says what torch takes."""
        return np.zeros(into.shape, dtype=bool)

    # -- one element: how it is made --------------------------------------------------------------

    @abstractmethod
    def term_count(self) -> int:
        """How many terms every output element has."""

    @abstractmethod
    def terms(self, call: Call, out: int) -> Sequence[Term]:
        """The steps of one output element. The last one's `holds` is the element, to within rounding."""

    def empties(self, out: IntArray) -> npt.NDArray[np.uint8] | None:
        """The `Empty` code of each term of output elements, (m, n); None where every element has a full one."""
        return None

    @abstractmethod
    def formula(self, call: Call, out: int) -> Expression:
        """One output element as an expression in its operands' elements."""

    def intermediates(self, call: Call, out: int) -> list[tuple[str, Array]]:
        """Named numbers on the way to one output element (max, exp, sum), as rows for the eye."""
        return []

    # -- in words -----------------------------------------------------------------------------------

    @abstractmethod
    def tell(self, naming: Naming) -> str:
        """What the forward step of this operation did, as a sentence: "slides the 2×2 kernel w1 over i"."""

    @abstractmethod
    def tell_element(self, call: Call, out: int, naming: Naming) -> str:
        """How one output element came about, as a clause after its name: "is the sum of 4 products"."""

    @abstractmethod
    def tell_link(self, call: Call, slot: int, out: int, into: int, partner: int, naming: Naming) -> str:
        """How operand[into] entered output[out]: "w1[1] met i[2] = 2 when o1[2] was made"."""
