"""Makes models.json and boxes.json, what torchvision's models are and what its transforms do to
boxes:  python -m tests.vision.make_frozen_models

Needs torch and torchvision; nothing else here does.
"""
import json
import pathlib
import warnings

from tests.vision.box_table import CASES, FORMATS, sample, told
from tests.vision.make_frozen import torchvision_of
from tests.vision.model_table import (
    COMPUTED,
    DRAWN,
    SEED,
    computed,
    described,
    facts,
    filled,
    sampled,
    undrawn,
)

FAMILIES_LEFT_OUT = ("maxvit",)


def main():
    """Write the file and say how large it is."""
    import torch
    torchvision, _ = torchvision_of(torch)
    models = torchvision.models
    warnings.simplefilter("ignore")
    kept = {"torchvision": torchvision.__version__.split("+")[0], "models": {}, "drawn": {},
            "computed": {}, "weights": {}}
    with undrawn(torch.nn):
        for name in models.list_models(module=models):
            if not name.startswith(FAMILIES_LEFT_OUT):
                kept["models"][name] = described(models.get_model(name))
                kept["weights"][name] = facts(models.get_model_weights(name))
        for name, size, make in COMPUTED:
            kept["computed"][name] = computed(torch, filled(torch, make(models)), size)
    for name, make in DRAWN:
        torch.manual_seed(SEED)
        kept["drawn"][name] = [*sampled(make(models)), float(torch.rand(1))]
    write("models.json", kept)
    write("boxes.json", boxes(torch, kept["torchvision"]))


def boxes(torch, version):
    """What becomes of samples with boxes."""
    from torchvision import tv_tensors
    from torchvision.transforms import v2
    kept = {"torchvision": version}
    for name, make in CASES:
        for form in FORMATS:
            torch.manual_seed(SEED)
            kept[f"{name} {form}"] = told(torch, make(v2)(sample(torch, tv_tensors, form)))
    return kept


def write(name, kept):
    """Write a file beside this one and say how large it is."""
    path = pathlib.Path(__file__).parent / name
    path.write_text(json.dumps(kept).replace('], "', '],\n"').replace('}, "', '},\n"') + "\n")
    print(f"{name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
