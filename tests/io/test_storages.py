"""Storages: the old typed names, buffers, files, and what PyTorch says of them."""

import copy
import pickle

import pytest

import learntorch
from tests.oracle import alike, needs_torch

pytestmark = pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
KINDS = ["FloatStorage", "DoubleStorage", "HalfStorage", "BFloat16Storage", "LongStorage",
         "IntStorage", "ShortStorage", "CharStorage", "ByteStorage", "BoolStorage",
         "ComplexFloatStorage", "ComplexDoubleStorage"]

CALLS = """
torch.FloatStorage([1, 2, 3]).tolist()
str(torch.FloatStorage([1, 2]))
str(torch.UntypedStorage([1, 2]))
str(torch.BFloat16Storage([0, 1.5]))
list(torch.FloatStorage((1, 2)))
torch.FloatStorage(range(3)).tolist()
len(torch.FloatStorage())
torch.FloatStorage(2).fill_(3).tolist()
torch.FloatStorage('a')
torch.FloatStorage([1], [2])
torch.FloatStorage(3, 4)
torch.FloatStorage(3, dtype=torch.int)
torch.FloatStorage([1, 2])[:1]
torch.FloatStorage([1, 2])[-1]
torch.FloatStorage([1, 2])[2]
torch.TypedStorage([1.5]).tolist()
torch.TypedStorage([1.5], dtype=torch.float64).dtype
torch.FloatStorage(wrap_storage=torch.UntypedStorage([0, 0, 128, 63])).tolist()
torch.FloatStorage([1, 2]).int().tolist()
torch.FloatStorage([1, 2]).half().dtype
torch.UntypedStorage([1, 2]).float().tolist()
torch.FloatStorage([1, 2]).type()
torch.UntypedStorage([1, 2]).type()
torch.FloatStorage([1, 2]).pickle_storage_type()
torch.FloatStorage([1, 2]).nbytes()
torch.FloatStorage([1, 2]).element_size()
torch.FloatStorage([1, 2]).copy_(torch.FloatStorage([5, 6])).tolist()
torch.FloatStorage([1, 2]).is_sparse
torch.FloatStorage([1, 2]).filename
torch.UntypedStorage([1, 2, 300]).tolist()
torch.UntypedStorage('a')
torch.UntypedStorage([1, 2])[5]
torch.UntypedStorage([1, 2]).resizable()
torch.UntypedStorage([1, 2]).new().nbytes()
torch.UntypedStorage(4)[:2].nbytes()
torch.tensor(torch.FloatStorage([1, 2]))
torch.FloatTensor(torch.FloatStorage([1, 2]))
torch.empty(0).set_(torch.FloatStorage([1, 2]))
torch.FloatStorage.from_buffer(b'abcd' * 2, 'native').tolist()
torch.FloatStorage.from_buffer(b'abcd' * 2, byte_order='big').tolist()
torch.FloatStorage.from_buffer(b'abcdef', 'big')
torch.ShortStorage.from_buffer(b'abcdefgh', 'little', 2, 3).tolist()
torch.ByteStorage.from_buffer(b'abc').tolist()
torch.UntypedStorage.from_buffer(b'ab')
torch.UntypedStorage.from_buffer(b'abc', dtype=torch.uint8).tolist()
isinstance(torch.arange(3.).storage(), torch.FloatStorage)
isinstance(torch.arange(3.).storage(), torch.LongStorage)
isinstance(torch.arange(3).storage(), torch.LongStorage)
torch.arange(3.).storage_type().dtype
torch.is_storage(torch.FloatStorage(1))
torch.Storage([1]).dtype
torch.arange(4.)[2:].storage().tolist()
torch.arange(4.)[2:].storage_offset()
torch.FloatStorage(3).resize_(5)
""".strip().splitlines()


@needs_torch
@pytest.mark.parametrize("call", CALLS)
def test_calls(call):
    alike(lambda torch: eval(call, {"torch": torch}))


@needs_torch
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(kind):
    alike(lambda torch: getattr(torch, kind)([0, 1]).tolist())
    alike(lambda torch: getattr(torch, kind).dtype)
    alike(lambda torch: torch.tensor([0, 1], dtype=getattr(torch, kind).dtype).storage().type())


def test_a_storage_is_the_memory_of_the_tensor():
    torch = learntorch
    t = torch.zeros(3)
    storage = t.storage()
    storage[1] = 5
    assert t.tolist() == [0, 5, 0]
    storage.untyped().byteswap(torch.float32)
    assert t[1] != 5
    with pytest.raises(RuntimeError, match="tensors look at them"):
        t.untyped_storage().resize_(100)
    with pytest.raises(AssertionError, match="not compiled with CUDA"):
        storage.cuda()


def test_a_storage_of_its_own_grows_until_a_tensor_looks_at_it():
    torch = learntorch
    storage = torch.UntypedStorage([1, 2])
    assert storage.resize_(4).tolist() == [1, 2, 0, 0]
    looks = torch.empty(0, dtype=torch.uint8).set_(storage)
    with pytest.raises(RuntimeError, match="not resizable"):
        storage.resize_(8)
    assert looks.tolist() == [1, 2, 0, 0]


def test_copies_and_pickles():
    torch = learntorch
    for storage in (torch.FloatStorage([1, 2]), torch.UntypedStorage([1, 2])):
        for twin in (copy.deepcopy(storage), copy.copy(storage), storage.clone(),
                     pickle.loads(pickle.dumps(storage))):
            assert twin.tolist() == [1, 2] and twin.data_ptr() != storage.data_ptr()
            assert type(twin) is type(storage)


def test_files_as_memory(tmp_path):
    torch = learntorch
    path = str(tmp_path / "numbers")
    shared = torch.IntStorage.from_file(path, True, 3)
    shared.fill_(7)
    assert shared.untyped().filename == path == shared.filename
    own = torch.IntStorage.from_file(path, False, 2)
    assert own.tolist() == [7, 7]
    own[0] = 1
    assert torch.IntStorage.from_file(path, False, 2)[0] == 7
    with pytest.raises(RuntimeError, match="is smaller than the required mapping size <4000>"):
        torch.IntStorage.from_file(path, False, 1000)
    with pytest.raises(RuntimeError, match="unable to open file"):
        torch.IntStorage.from_file(path + "no")


def test_named_tuples_can_be_pickled():
    torch = learntorch
    found = pickle.loads(pickle.dumps(torch.arange(6.0).view(2, 3).max(1)))
    assert found.values.tolist() == [2, 5] and isinstance(found, torch.return_types.max)
    assert not hasattr(torch.return_types, "maximum")
