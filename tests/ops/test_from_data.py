"""`torch.tensor(data)`: what is a number, a row, a dtype, and which error for what is none."""
import math

import pytest

import learntorch
from tests.oracle import needs_torch

DTYPES = (None, "uint8", "int8", "int32", "int64", "bool", "uint16", "float32", "float16",
          "bfloat16", "complex64")
NUMBERS = (-1, -255, -256, 300, 2**31, -2**31 - 1, 2**63, 2**64, -2**63 - 1, 2**70, True, 1.7, -1.5,
           300.5, 1e30, 1e300, math.nan, math.inf, 2j, 2**53 + 1)
OTHERS = ("a", "1", ["1"], [["a"]], [1, "a"], ["a", 1], [1.5, "a"], None, [None], [1, None],
          [1.5, None], [math.nan, None], [[None]], [1j, None], [1j, "a"], {}, [{}], [1, {}],
          [set()], b"x", [b"x"], [1, b"x"], [True, None], [True, 2**70], [1.0, 2**70],
          [[1, 2], ["a", 3]], range(3), [range(2)], [(1, 2), [3, 4]], [[]], [[], [1]], [[1], []],
          [1, [2]], [[1], 2],
          [[1, 2], [3]], [[[1], [2]], [[3], [4, 5]]], [2**60 + 1, 1.5], [-1, 300], [True, 2, 3.5])


def outcome(torch, data, dtype):
    """The tensor as a text, or the type and words of the error."""
    named = {} if dtype is None else {"dtype": getattr(torch, dtype)}
    try:
        made = torch.tensor(data, **named)
    except Exception as error:
        return type(error).__name__, str(error)
    return str(made.dtype), tuple(made.shape), repr(made.tolist())


@needs_torch
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("data", [*NUMBERS, *([n] for n in NUMBERS), *OTHERS],
                         ids=lambda data: repr(data)[:30])
def test_pytorch_makes_the_same_of_it(data, dtype):
    import torch
    theirs, ours = outcome(torch, data, dtype), outcome(learntorch, data, dtype)
    if len(theirs) == 2:
        assert ours[0] == theirs[0] and ours[1].startswith(theirs[1]), (theirs, ours)
    else:
        assert ours == theirs


@pytest.mark.parametrize(("data", "dtype", "error", "words"), [
    ([1.0, None], learntorch.float32, TypeError, "must be real number, not NoneType"),
    (["1"], learntorch.int64, ValueError, "Turn text into numbers"),
    ([300], learntorch.uint8, RuntimeError, "type uint8 without overflow"),
    ([2**70], None, ValueError, "must fit into 64 bits"),
    ([[1, 2], [3]], None, ValueError, r"length 2 at dim 1 \(got 1\): all rows"),
    ([1, [2]], None, TypeError, "nested to the same depth"),
])
def test_what_is_no_number_is_refused(data, dtype, error, words):
    with pytest.raises(error, match=words):
        learntorch.tensor(data, dtype=dtype)


def test_what_is_too_large_for_a_float_is_infinite():
    assert learntorch.tensor([1e300, -1e300]).tolist() == [math.inf, -math.inf]


def test_whole_numbers_keep_every_digit_beside_fractions():
    assert learntorch.tensor([2**60 + 1, 1.5], dtype=learntorch.int64).tolist() == [2**60 + 1, 1]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int64", "float16", "bfloat16",
                                   "float64", "complex32", "complex128"])
def test_rows_that_are_tensors_keep_their_numbers(dtype):
    row = learntorch.tensor([1, 0], dtype=getattr(learntorch, dtype))
    made = learntorch.tensor([row, row], dtype=row.dtype)
    assert made.dtype is row.dtype and made.shape == (2, 2)
    assert (made == row).all()
