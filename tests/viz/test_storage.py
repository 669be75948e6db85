"""Memory laid open: every element is found in the cell that shape, stride and offset say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import learntorch as torch
from learntorch import viz
from learntorch.viz.storage import caption, sentence
from learntorch.viz.text import number, preview, size, summary


@given(st.data())
def test_every_element_is_in_its_cell(data):
    shape = data.draw(st.lists(st.integers(1, 4), max_size=3))
    t = torch.arange(int(np.prod(shape))).reshape(shape)
    for dim, n in enumerate(shape):
        start = data.draw(st.integers(0, n))
        step = data.draw(st.integers(1, 3))
        t = t[(slice(None),) * dim + (slice(start, n, step),)]
    t = t.permute(tuple(data.draw(st.permutations(range(len(shape))))))
    found = viz.storage(t)
    assert [int(found["cells"][c]) for c in found["places"]] == t.reshape(-1).tolist()
    assert found["shape"] == list(t.shape) and found["numel"] == t.numel()
    if t.numel():
        assert found["offset"] == t.storage_offset()
        assert found["stride"] == list(t.stride())
    assert sum(found["visited"]) == t.numel()


def test_a_view_shares_the_cells_of_its_base():
    base = torch.arange(12).view(3, 4)
    found = viz.storage(base[1:, ::2].t())
    assert found["length"] == 12 and found["cells"] == [str(i) for i in range(12)]
    assert found["places"] == [4, 8, 6, 10] and not found["contiguous"]


def test_expanded_elements_share_a_cell():
    found = viz.storage(torch.tensor([[1.0], [2.0]]).expand(2, 3))
    assert found["visited"] == [3, 3] and found["stride"] == [1, 0]
    assert "2 of them seen more than once" in caption(found)


def test_the_arithmetic_in_words():
    found = viz.storage(torch.arange(12).view(3, 4)[1:])
    assert sentence(found, (1, 2)) == "cell = 4 + 1·4 + 2·1 = 10"
    assert caption(found) == ("shape [2, 4], stride (4, 1), offset 4, contiguous: 8 elements in a "
                              "storage of 12 cells")


def test_scalars_empties_and_large_ones():
    assert viz.storage(torch.tensor(3.5))["cells"] == ["3.5"]
    assert viz.storage(torch.ones(0, 2))["places"] == []
    found = viz.storage(torch.zeros(1000))
    assert len(found["cells"]) == 512 and found["length"] == 1000 and not found["complete"]


@pytest.mark.parametrize("dtype, texts", [("float32", ["1.", "0.3333", "1e+10"]),
                                          ("int64", ["1", "0", "10000000000"]),
                                          ("bool", ["True", "False", "True"])])
def test_cells_are_written_shortly(dtype, texts):
    t = torch.tensor([1.0, 1 / 3, 1e10] if dtype == "float32" else
                     [1, 0, 10 ** 10] if dtype == "int64" else [True, False, True])
    assert viz.storage(t)["cells"] == texts


def test_other_things_are_refused():
    with pytest.raises(TypeError, match="not list"):
        viz.storage([1, 2])


@pytest.mark.parametrize("value, text", [
    (0.76159, "0.7616"), (-0.0, "0.0000"), (1e-7, "1.00e-07"), (123456.0, "1.23e+05"), (3, "3"),
    (True, "True"), (float("nan"), "nan"), (float("-inf"), "-inf"), (1 - 2j, "1.0000-2.0000j")])
def test_numbers(value, text):
    assert number(value) == text


def test_previews():
    assert preview(torch.arange(3)) == "[0, 1, 2]"
    assert preview(torch.ones(2, 2)) == "[[1.0000, 1.0000], [1.0000, 1.0000]]"
    assert preview(torch.zeros(50), most=4, digits=1) == "[0.0, 0.0, …]"
    assert preview((2, None)) == "(2, None)"
    assert (size((2, 3)), size(()), size([[2], []])) == ("[2, 3]", "scalar", "[2] scalar")


def test_summaries_say_what_is_not_finite():
    t = torch.tensor([1.0, float("nan"), 3.0])
    assert summary(t) == "min 1.0000, mean 2.0000, max 3.0000, 1 not finite"
    assert summary(torch.ones(0)) == ""
