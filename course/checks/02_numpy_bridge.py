"""Checks of chapter 02, The NumPy bridge."""

import numpy as np

import learntorch as torch
from course.checks.framework import exercise


@exercise(
    "tensor",
    hints=[
        "compare the dtype with what is asked: NumPy's fractions are float64",
        "torch.from_numpy keeps the dtype; .float() changes it",
        "torch.from_numpy(readings) and then .float(), or torch.tensor with dtype=",
    ],
)
def ex_02_1(trial):
    """Six measurements as a 2 × 3 table of float32."""
    want = torch.tensor([[20.5, 21.0, 19.5], [18.0, 22.5, 23.0]])
    trial.equal(trial.answer, want, about="ex_02_1")


@exercise(
    "function",
    hints=[
        "which of the functions that make a tensor of an array copy always?",
        ".float() copies only if the dtype changes: float32 stays where it is",
        "torch.tensor takes dtype=, and always copies",
    ],
)
def ex_02_2(trial):
    """float32 numbers of an array of any dtype, in memory of their own."""
    arrays = [
        np.array([1.0, 2.0]),
        np.array([1, 2, 3]),
        np.array([1.5, -2.5], dtype=np.float32),
        np.array([[True, False], [False, True]]),
        np.arange(12, dtype=np.uint8).reshape(3, 4)[:, ::2],
        np.arange(6, dtype=np.float32).reshape(2, 3).T,
        np.array(3.0, dtype=np.float32),
        np.zeros((0, 2)),
    ]
    for array in arrays:
        before = array.copy()
        got = trial.call(array)
        trial.equal(got, torch.tensor(before.tolist(), dtype=torch.float32).reshape(before.shape))
        trial.true(
            not np.shares_memory(got.detach().numpy(), array),
            f"{trial.said} shares its memory with the array, whose dtype is {array.dtype}",
        )
        _unchanged(trial, array, before)


@exercise(
    "function",
    hints=[
        "look at the messages of the chapter: which method gives a tensor that may cross?",
        "t.detach() looks at the same numbers and does not remember",
        "first detach, then numpy, and no copy between them",
    ],
)
def ex_02_3(trial):
    """The array of a tensor, sharing its memory, whether or not it requires grad."""
    tensors = [
        torch.tensor([1.0, 2.0]),
        torch.tensor([1, 2, 3]),
        torch.tensor([1.0, 2.0], requires_grad=True),
        torch.arange(6).view(2, 3).t(),
        torch.ones(2, 2, requires_grad=True) * 3,
    ]
    for t in tensors:
        got = trial.call(t)
        trial.true(
            isinstance(got, np.ndarray),
            f"{trial.said} should return an array, and returns a {type(got).__name__}",
        )
        trial.true(
            got.shape == tuple(t.shape) and got.tolist() == t.tolist(),
            f"{trial.said} should hold {t.tolist()}, and holds {got.tolist()}",
        )
        trial.true(
            np.shares_memory(got, t.detach().numpy()),
            f"{trial.said} does not share its memory with the tensor: something was copied",
        )


@exercise(
    "function",
    hints=[
        "left and right are the columns, the second dimension",
        "picture[:, ::-1] turns the columns round, and cannot cross the bridge as it is",
        "copy() before torch.from_numpy, or flip(1) after it",
    ],
)
def ex_02_4(trial):
    """A picture as a tensor, its columns in reverse order."""
    pictures = [
        np.array([[1, 2]]),
        np.array([[1, 2], [3, 4]]),
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.arange(12.0).reshape(4, 3),
        np.arange(12, dtype=np.float32).reshape(3, 4)[::2],
        np.array([[7], [8]]),
    ]
    for picture in pictures:
        before = picture.copy()
        want = [row[::-1] for row in picture.tolist()]
        dtype = torch.from_numpy(picture).dtype
        trial.equal(trial.call(picture), torch.tensor(want, dtype=dtype))
        _unchanged(trial, picture, before)


@exercise(
    "function",
    hints=[
        "equal numbers do not mean the same memory, and a shared piece may begin elsewhere",
        "NumPy can tell for two arrays; t.numpy() is the array of the tensor",
        "np.shares_memory(..., ...)",
    ],
)
def ex_02_5(trial):
    """Do a tensor and an array share a number?"""
    base = np.arange(8.0)
    whole = torch.from_numpy(base)
    cases = [
        (whole, base, True),
        (torch.tensor(base), base, False),
        (whole.float(), base, False),
        (whole.double(), base, True),
        (whole[2:], base, True),
        (whole[2:], base[:2], False),
        (whole[:3], base[2:], True),
        (whole[::2], base[1::2], False),
        (whole.view(2, 4).t(), base, True),
        (torch.zeros(3), np.zeros(3), False),
    ]
    for t, array, want in cases:
        numbers, before = t.tolist(), array.copy()
        trial.equal(trial.call(t, array), want)
        trial.true(t.tolist() == numbers, f"{trial.said} changed the tensor")
        _unchanged(trial, array, before)


def _unchanged(trial, array, before):
    """Fail if the answer wrote into an array it was given."""
    trial.true(
        np.array_equal(array, before), f"{trial.said} changed its array to {array.tolist()}"
    )
