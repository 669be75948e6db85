"""Checks of chapter 14, Saving and loading."""

import copy
import json
import random
import struct

import learntorch as torch
from course.checks.framework import exercise
from learntorch import nn


def shown(tensors):
    """A list of tensors in words, with what shares memory."""
    places = []
    for t in tensors:
        place = t.untyped_storage().data_ptr()
        if place not in places:
            places.append(place)
    return ", ".join(f"{tuple(t.shape)} of {t.dtype} on storage "
                     f"{places.index(t.untyped_storage().data_ptr())}" for t in tensors)


@exercise(
    "function",
    hints=[
        "two tensors on one storage count once; a view counts its whole storage",
        "t.untyped_storage().data_ptr() is the same number for tensors that share their memory",
        "a dictionary {data_ptr: nbytes} holds each storage once; sum its values",
    ],
)
def ex_14_1(trial):
    """The bytes of numbers in a file."""
    a, b = torch.zeros(10), torch.zeros(6, dtype=torch.float64)
    pixels = torch.zeros(20, 20, dtype=torch.uint8)
    tied = nn.Linear(4, 4)
    cases = [
        [], [a], [a, b], [a[:3]], [a[:3], a[7:]], [a, a], [a, a.clone()],
        [b.view(2, 3).t(), b[5]], [pixels[::2, 3], pixels, b[1:]],
        [tied.weight, tied.bias, tied.weight.detach()[0]],
        [torch.zeros(1).expand(1000), a], [a[:2], torch.arange(4), b[3:], a[1:2]],
    ]
    for tensors in cases:
        want = sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes()
                    for t in tensors}.values())
        got = trial.call(list(tensors))
        trial.equal(got, want, about=f"{trial.said}, with {shown(tensors) or 'no tensor'},")


class Two(nn.Module):
    """A module whose parts can be chosen."""

    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)


@exercise(
    "function",
    hints=[
        "own = model.state_dict() gives the names and shapes that the model wants",
        "fits = {n: t for n, t in state.items() if n in own and t.shape == own[n].shape}",
        "then model.load_state_dict(fits, strict=False); both lists follow from fits, sorted",
    ],
)
def ex_14_2(trial):
    """Load what fits."""
    cases = [
        (lambda: Two(a=nn.Linear(2, 1)), lambda: Two(a=nn.Linear(2, 1))),
        (lambda: Two(a=nn.Linear(2, 1)), lambda: Two(b=nn.Linear(2, 1))),
        (lambda: Two(a=nn.Linear(2, 3)), lambda: Two(a=nn.Linear(4, 3))),
        (lambda: Two(b=nn.Linear(2, 2), a=nn.BatchNorm1d(3)),
         lambda: Two(a=nn.BatchNorm1d(3), c=nn.Linear(1, 1))),
        (lambda: Two(body=nn.Linear(3, 2), head=nn.Linear(2, 10)),
         lambda: Two(body=nn.Linear(3, 2), head=nn.Linear(2, 1000))),
        (lambda: Two(a=nn.Linear(2, 3, bias=False)), lambda: Two(a=nn.Linear(3, 2, bias=False))),
        (lambda: Two(a=nn.Tanh()), lambda: Two(a=nn.Linear(1, 1))),
    ]
    for make, source in cases:
        model, state = make(), source().state_dict()
        before = {n: t.clone() for n, t in model.state_dict().items()}
        kept = {n: t.clone() for n, t in state.items()}
        fits = [n for n, t in state.items() if n in before and t.shape == before[n].shape]
        want = (sorted(set(before) - set(fits)), sorted(set(state) - set(fits)))
        wanted = {n: tuple(t.shape) for n, t in before.items()}
        given = {n: tuple(t.shape) for n, t in state.items()}
        about = f"for a model with {wanted} and a state with {given}, your ex_14_2"
        got = trial.do(trial.answer, model, state, shown="ex_14_2")
        trial.equal(got, want, about=about)
        for name, t in model.state_dict().items():
            trial.true(torch.equal(t, (kept if name in fits else before)[name]),
                       f"{about} left {name} "
                       f"{'unloaded' if name in fits else 'changed, though it does not fit'}")
        trial.true(list(state) == list(kept), f"{about} changed the dictionary it was given")


def steps(model, optimizer, count):
    """Train a little, with random inputs and dropout."""
    for _ in range(count):
        optimizer.zero_grad()
        model(torch.rand(5, 2)).square().sum().backward()
        optimizer.step()


def optimizers():
    yield "SGD", lambda p: torch.optim.SGD(p, lr=0.1)
    yield "SGD with momentum", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)
    yield "Adam", lambda p: torch.optim.Adam(p, lr=0.1)


@exercise(
    "function",
    hints=[
        "state_dict() holds the tensors themselves: what happens to them when training goes on?",
        "copy.deepcopy copies a dictionary and all tensors in it; import copy first",
        "the optimizer's state needs the copy as well; torch.get_rng_state() makes one by itself",
    ],
)
def ex_14_3(trial):
    """A checkpoint in memory."""
    for name, make in optimizers():
        for before in (0, 1, 4):
            where = f"with {name}, after {before} steps: the checkpoint"
            model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.BatchNorm1d(3),
                                  nn.Linear(3, 1))
            optimizer = make(model.parameters())
            torch.manual_seed(before)
            steps(model, optimizer, before)
            random_now = torch.get_rng_state()
            saved = trial.call(model, optimizer)
            trial.true(isinstance(saved, dict) and {"model", "optimizer", "random"} <= set(saved),
                       f'{where} is not a dictionary with "model", "optimizer" and "random"')
            trial.true(torch.equal(torch.get_rng_state(), random_now),
                       f"{where}: making it has drawn random numbers")
            trial.equal(saved["random"], random_now, about=f"{where}[\"random\"]")
            steps(model, optimizer, 3)
            later = copy.deepcopy(model.state_dict())
            try:
                model.load_state_dict(saved["model"])
                optimizer.load_state_dict(saved["optimizer"])
                torch.set_rng_state(saved["random"])
            except Exception as error:
                trial.true(False, f"{where} cannot be loaded: {error}")
            steps(model, optimizer, 3)
            for part, t in model.state_dict().items():
                trial.true(torch.equal(t, later[part]),
                           f"{where} does not lead to the same {part} three steps later: "
                           "did it change while the training went on?")


KINDS = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64, "U8": torch.uint8}


def safetensors(tensors, metadata=None, space=0):
    """The bytes of a safetensors file."""
    names = {dtype: kind for kind, dtype in KINDS.items()}
    header, body = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, t in tensors.items():
        raw = t.contiguous().numpy().tobytes()
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape),
                        "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode() + b" " * space
    return struct.pack("<Q", len(text)) + text + body


@exercise(
    "function",
    hints=[
        "n = int.from_bytes(data[:8], 'little'); header = json.loads(data[8:8 + n])",
        "the numbers begin at 8 + n; cut out data[8 + n + begin:8 + n + end] for each tensor",
        "np.frombuffer(piece, dtype).copy() makes an array; torch.from_numpy(...).reshape(shape)",
    ],
)
def ex_14_4(trial):
    """A reader for safetensors files."""
    chance = random.Random(0)
    cases = [
        ({"w": torch.tensor([1.0, 2.0])}, None, 0),
        ({"w": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([-1.5])}, None, 3),
        ({"a": torch.tensor(7), "b": torch.tensor([1, 2], dtype=torch.uint8)}, None, 0),
        ({"x": torch.tensor([0.1], dtype=torch.float64)}, {"format": "pt"}, 0),
        ({}, None, 0),
        ({"empty": torch.zeros(0, 3), "after": torch.ones(1)}, {"a": "b"}, 5),
    ]
    for _ in range(4):
        tensors = {}
        for i in range(chance.randrange(1, 5)):
            shape = [chance.randrange(1, 4) for _ in range(chance.randrange(4))]
            dtype = chance.choice(list(KINDS.values()))
            flat = [chance.randrange(200) for _ in range(torch.zeros(shape).numel())]
            tensors[f"layer {i}.weight"] = torch.tensor(flat, dtype=dtype).reshape(shape)
        cases.append((tensors, None, chance.randrange(9)))
    for tensors, metadata, space in cases:
        data = safetensors(tensors, metadata, space)
        got = trial.call(data)
        trial.true(isinstance(got, dict), f"{trial.said} should be a dictionary of tensors")
        trial.equal(sorted(got), sorted(tensors), about=f"the names in {trial.said}")
        for name, t in tensors.items():
            trial.equal(got[name], t, about=f"[{name!r}] of {trial.said}")
