"""Solutions of chapter 14, Saving and loading."""

import copy

import numpy as np

import learntorch as torch


# %% ex_14_1
def ex_14_1(tensors):
    storages = [t.untyped_storage() for t in tensors]
    return sum({s.data_ptr(): s.nbytes() for s in storages}.values())


# %% ex_14_2
def ex_14_2(model, state):
    own = model.state_dict()
    fits = {name: t for name, t in state.items() if name in own and t.shape == own[name].shape}
    model.load_state_dict(fits, strict=False)
    return sorted(set(own) - set(fits)), sorted(set(state) - set(fits))


# %% ex_14_3
def ex_14_3(model, optimizer):
    return {
        "model": copy.deepcopy(model.state_dict()),
        "optimizer": copy.deepcopy(optimizer.state_dict()),
        "random": torch.get_rng_state(),
    }


# %% ex_14_4
def ex_14_4(data):
    import json

    kinds = {"F32": np.float32, "F64": np.float64, "I64": np.int64, "U8": np.uint8}
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            numbers = np.frombuffer(data[start + begin : start + end], kinds[entry["dtype"]])
            tensors[name] = torch.from_numpy(numbers.copy()).reshape(entry["shape"])
    return tensors
