"""Likely wrong answers to the exercises of chapter 14; `test_exercises` tries them."""

import copy
import json

import numpy as np

import learntorch as torch


def loading(rest=True, strict=True, shapes=True, order=sorted, touch=False):
    """An answer to 14.2 with one thing wrong."""

    def answer(model, state):
        own = model.state_dict()
        if touch:
            for name in list(state):
                if name not in own:
                    del state[name]
        fits = {n: t for n, t in state.items()
                if n in own and (not shapes or t.shape == own[n].shape)}
        model.load_state_dict(fits, strict=strict)
        left = sorted(set(own) - set(fits)) if rest else []
        return order(left), order(set(state) - set(fits))

    return answer


def named_only(model, state):
    result = model.load_state_dict(state, strict=False)
    return sorted(result.missing_keys), sorted(result.unexpected_keys)


def filled(model, state):
    """Copies what has as many numbers, whatever the shape."""
    own = model.state_dict()
    fits = [n for n in state if n in own and own[n].numel() == state[n].numel()]
    with torch.no_grad():
        for name in fits:
            own[name].copy_(state[name].reshape(own[name].shape))
    return sorted(set(own) - set(fits)), sorted(set(state) - set(fits))


def everything_but_running(model, optimizer):
    kept = {n: p.detach().clone() for n, p in model.named_parameters()}
    return {"model": kept, "optimizer": copy.deepcopy(optimizer.state_dict()),
            "random": torch.get_rng_state()}


KINDS = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "U8": np.uint8}


def reader(start=8, order="little", kinds=KINDS, meta=False, from_end=True, shaped=True):
    """An answer to 14.4 with one thing wrong."""

    def answer(data):
        n = int.from_bytes(data[:8], order)
        header = json.loads(data[8:8 + n])
        found = {}
        for name, entry in header.items():
            if name == "__metadata__":
                if meta:
                    found[name] = entry
                continue
            begin, end = (b + (start + n if from_end else 0) for b in entry["data_offsets"])
            numbers = np.frombuffer(data[begin:end], kinds[entry["dtype"]]).copy()
            t = torch.from_numpy(numbers)
            found[name] = t.reshape(entry["shape"]) if shaped else t
        return found

    return answer


WRONG = {
    "ex_14_1": [
        lambda tensors: sum(t.numel() * t.element_size() for t in tensors),
        lambda tensors: sum(t.untyped_storage().nbytes() for t in tensors),
        lambda tensors: sum({t.untyped_storage().nbytes() for t in tensors}),
        lambda tensors: sum({t.data_ptr(): t.untyped_storage().nbytes()
                             for t in tensors}.values()),
        lambda tensors: 4 * sum(t.numel() for t in tensors),
        lambda tensors: torch.tensor(0),
    ],
    "ex_14_2": [
        loading(rest=False), loading(strict=False, shapes=False), loading(order=list),
        loading(strict=False, order=set), loading(strict=False, touch=True), named_only, filled,
        lambda model, state: (sorted(model.state_dict()), sorted(state)),
    ],
    "ex_14_3": [
        lambda model, optimizer: {"model": model.state_dict(),
                                  "optimizer": optimizer.state_dict(),
                                  "random": torch.get_rng_state()},
        lambda model, optimizer: {"model": dict(model.state_dict()),
                                  "optimizer": dict(optimizer.state_dict()),
                                  "random": torch.get_rng_state()},
        lambda model, optimizer: {"model": copy.deepcopy(model.state_dict()),
                                  "optimizer": optimizer.state_dict(),
                                  "random": torch.get_rng_state()},
        lambda model, optimizer: {"model": copy.deepcopy(model.state_dict()),
                                  "optimizer": copy.deepcopy(optimizer.state_dict()),
                                  "random": torch.rand(1)},
        lambda model, optimizer: {"model": copy.deepcopy(model),
                                  "optimizer": copy.deepcopy(optimizer.state_dict()),
                                  "random": torch.get_rng_state()},
        lambda model, optimizer: {"model": copy.deepcopy(model.state_dict())},
        everything_but_running,
    ],
    "ex_14_4": [
        reader(start=0), reader(from_end=False), reader(meta=True), reader(shaped=False),
        reader(kinds={**KINDS, "F64": np.float32}), reader(kinds=dict.fromkeys(KINDS, np.float32)),
        lambda data: json.loads(data[8:8 + data[0]]),
        lambda data: torch.frombuffer(bytearray(data[8 + data[0]:]), dtype=torch.float32),
    ],
}
