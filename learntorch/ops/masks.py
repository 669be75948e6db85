"""Writing and reading where a mask of bools is True."""

from learntorch.core.dtypes import can_cast, said, too_much
from learntorch.core.op import composite, entitle, nary
from learntorch.core.shapes import broadcast
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.compare import choose
from learntorch.ops.scatter import copied_slices, select_slices


def check_mask(name, mask):
    """Raise RuntimeError unless `mask` is a bool tensor."""
    if mask._data.dtype != bool:
        raise RuntimeError(f"{name} only supports boolean masks, but got mask with dtype "
                           f"{said(mask.dtype)}")


@nary(tensors=("x", "mask"), name="masked_fill", grad="MaskedFill", inplace=True)
def fill_masked(xp, x, mask, value):
    """x with a number where `mask` is True."""
    return xp.where(mask, x.dtype.type(value), x)
fill_masked.vjp(x=lambda xp, g, mask: xp.masked_fill(g, mask, 0))


@fill_masked.public
def masked_fill(input, mask, value):
    """`input` with `value` (a number or a 0-d tensor) where `mask` is True, broadcasting.

    Raises RuntimeError for a mask that is not bool.
    """
    check_mask("masked_fill", mask)
    if not isinstance(value, Tensor):
        if isinstance(value, complex) and not input.dtype.is_complex:
            raise too_much(input._data.dtype, f"{value} is complex.")
        if isinstance(value, float) and input._data.dtype.kind in "iu":
            value = int(value)
        return fill_masked(input, mask, value)
    if value._data.ndim:
        raise RuntimeError("masked_fill_ only supports a 0-dimensional value tensor, but got tensor"
                           f" with {value._data.ndim} dimension(s).")
    if value.dtype.is_complex and not input.dtype.is_complex:
        raise too_much(input._data.dtype, f"{value} is complex.")
    if not can_cast(value.dtype, input.dtype):
        raise RuntimeError(f"result type {said(value.dtype)} can't be cast to the desired output "
                           f"type {said(input.dtype)}")
    return entitle(choose(mask, value.to(input.dtype), input), "MaskedFillBackward1")


@composite(grad="MaskedSelect",
           out=("apart", "masked_select(): self and result must have the same scalar type"))
def masked_select(input, mask):
    """The elements where `mask` is True, broadcasting, in one dimension.

    Raises RuntimeError for a mask that is not bool.
    """
    if mask._data.dtype != bool:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast(input._data.shape, mask._data.shape)
    places = mask.expand(shape)._data.reshape(-1).nonzero()[0]
    return select_slices(input.expand(shape).reshape(-1), 0, wrap(places))


@composite(inplace=True, grad="MaskedScatter")
def masked_scatter(input, mask, source):
    """`input` with consecutive elements of `source` where `mask` is True.

    Shapes: input and mask broadcast. Raises RuntimeError for a mask that is not bool, two dtypes
    and too few numbers.
    """
    check_mask("masked_scatter_", mask)
    if source._data.dtype is not input._data.dtype:
        raise RuntimeError("masked_scatter_: expected self and source to have same dtypes but got "
                           f"{said(input.dtype)} and {said(source.dtype)}")
    shape = broadcast(input._data.shape, mask._data.shape)
    places = mask.expand(shape)._data.reshape(-1).nonzero()[0]
    if len(places) > source._data.size:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    flat = input.expand(shape).reshape(-1)
    return copied_slices(flat, 0, wrap(places), source.reshape(-1)[:len(places)]).reshape(shape)
