"""Makes frozen.npz, what torchvision answers to table.py:  python -m tests.vision.make_frozen

Needs torch, torchvision and Pillow; nothing else here does. A torchvision that was built for
another torch has no compiled operations of its own. The transforms use none of them, so it is
enough that their names exist.
"""
import json
import pathlib
import re
import sys

import numpy as np

from tests.vision.table import DRAWN, FIXED, SEEDS, V2, images, quantised, values

HERE = pathlib.Path(__file__).parent


def torchvision_of(torch):
    """The module torchvision, whether or not its compiled part fits this torch."""
    names = torch.library.Library("torchvision", "DEF")
    while True:
        try:
            import torchvision
            return torchvision, names
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None:
                raise
            names.define(missing.group(1) + "(Tensor x) -> Tensor")
            for module in [m for m in sys.modules if m.startswith("torchvision")]:
                del sys.modules[module]


def answers(torch, transforms, table, seeds, group):
    """(key, array) of every case on every image for every seed."""
    for name, kinds, function in table:
        for kind in kinds:
            for seed in seeds if kind == "bytes" else seeds[:1]:
                torch.manual_seed(seed)
                result = function(transforms, *images(torch, kind, name))
                for i, a in enumerate(values(result)):
                    yield f"{group}/{name}/{kind}/{seed}/{i}", quantised(a)


def main():
    """Write the file and say how large it is."""
    import torch
    torchvision, _ = torchvision_of(torch)
    from torchvision.transforms import v2
    kept = {}
    for table, seeds, group, face in ((FIXED, (0,), "fixed", torchvision.transforms),
                                      (DRAWN, SEEDS, "drawn", torchvision.transforms),
                                      (V2, SEEDS[:1], "v2", v2)):
        kept.update(answers(torch, face, table, seeds, group))
    path = HERE / "frozen.npz"
    index = {"torchvision": torchvision.__version__.split("+")[0]}
    for key, a in kept.items():
        index[key] = [a.dtype.name, list(a.shape)]
    parts = {name: np.concatenate([a.ravel() for a in kept.values() if a.dtype == name])
             for name in ("uint8", "int16")}
    np.savez_compressed(path, index=np.array(json.dumps(index)), **parts)
    print(f"{path.name}: {len(kept)} arrays, {path.stat().st_size} bytes, of torchvision "
          f"{torchvision.__version__}")


if __name__ == "__main__":
    main()
