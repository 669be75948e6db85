"""What freezing saves: the blocks of a model, the work of its parts, and the bill of a step.

Work is counted in multiply-adds of layers with weights. A run forward costs f for a layer. The way
back costs f again for the gradient of its weights, if they learn, and f for the gradient of its
input, if something before it learns.
"""

import learntorch as torch
from learntorch import nn

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
BYTES = 4
OWN = "(own)"           # the path of parameters that belong to the model itself


class Block:
    """A part of a model that is frozen as a whole."""

    def __init__(self, kind, modules, named):
        self.kind = kind
        self.modules = modules          # pairs of a path and a module
        self.named = named              # pairs of a name and a parameter
        self.parameters = [p for _, p in named]
        self.count = sum(p.numel() for p in self.parameters)


class Unit:
    """A module that does work: what it cost forward, and the bytes it put out."""

    def __init__(self, path, module):
        self.path = path
        self.module = module
        self.adds = 0
        self.put_out = 0

    @property
    def own(self):
        return [p for p in self.module._parameters.values() if p is not None]


def find_blocks(model):
    """{path: Block}: the parts of the model, and of containers in it, that have parameters.

    A parameter that stands in two places belongs to the first.
    """
    found = [(name, child) for name, child in model.named_children()]
    found = [pair for name, child in found for pair in opened(name, child)]
    while len(found) == 1 and list(found[0][1].children()):
        name, only = found[0]
        found = [(f"{name}.{inner}", child) for inner, child in only.named_children()]
    seen, blocks = set(), {}

    def add(path, kind, modules, named):
        fresh = [(name, p) for name, p in named if id(p) not in seen]
        seen.update(id(p) for _, p in fresh)
        if fresh:
            blocks[path] = Block(kind, modules, fresh)

    for path, module in found:
        add(path, type(module).__name__, list(module.named_modules()),
            list(module.named_parameters()))
    rest = [(name, p) for name, p in model.named_parameters() if id(p) not in seen]
    if rest:
        add(OWN, type(model).__name__, [("", model)], rest)
    return blocks


def opened(name, child):
    """The parts of a container that has several; any other module as it is."""
    inside = [pair for pair in child.named_children()]
    if isinstance(child, CONTAINERS) and len(inside) > 1:
        return [(f"{name}.{inner}", part) for inner, part in inside]
    return [(name, child)]


def tensors(out):
    if isinstance(out, torch.Tensor):
        return [out]
    if isinstance(out, (list, tuple)):
        return [each for part in out for each in tensors(part)]
    return []


def call(model, sample):
    return model(*sample) if isinstance(sample, tuple) else model(sample)


def measured(model, sample):
    """The units in the order in which they are first called, and what went wrong, in a sentence.

    The model runs once, in eval mode and without a record, so that nothing in it changes.
    """
    if sample is None:
        return [], ""
    units, hooks = {}, []
    modes = [(module, module.training) for module in model.modules()]

    def note(path):
        def hook(module, _given, out):
            unit = units.setdefault(id(module), Unit(path, module))
            size = sum(each.numel() for each in tensors(out))
            weight = module._parameters.get("weight")
            if isinstance(module, nn.Linear) or type(module).__name__.startswith("Conv"):
                unit.adds += size * weight[0].numel()
            if not list(module.children()):
                unit.put_out += BYTES * size
        return hook

    problem = ""
    try:
        for path, module in model.named_modules():
            if module._parameters or not list(module.children()):
                hooks.append(module.register_forward_hook(note(path)))
        model.eval()
        with torch.no_grad():
            call(model, sample)
    except Exception as error:
        units, words = {}, str(error).split("\n")[0] or type(error).__name__
        problem = f"The sample does not fit: {words}"
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes:
            module.training = mode
    return list(units.values()), problem


def bill(blocks, units, kept_each):
    """What a step costs with the parameters that require a gradient now.

    "trainable", "count": numbers. "gradients", "optimizer", "maps": bytes; `kept_each` is how many
    numbers the optimizer keeps for one that learns. "forward", "backward": multiply-adds;
    "factor": forward and backward in runs forward. "end": the block where the walk back ends.
    "back": {path of a block: "ends here" or "passes"}.
    """
    every = [p for block in blocks.values() for p in block.parameters]
    trainable = sum(p.numel() for p in every if p.requires_grad)
    first = next((i for i, u in enumerate(units) if any(p.requires_grad for p in u.own)), None)
    after = [] if first is None else units[first:]
    forward = sum(u.adds for u in units)
    weights = sum(u.adds for u in after if requires(u, "weight"))
    inputs = sum(u.adds for u in after[1:])
    owners = {id(module): path for path, block in blocks.items() for _, module in block.modules}
    reached = [owners[id(u.module)] for u in after if id(u.module) in owners]
    back = {path: "passes" for path in reached}
    if reached:
        back[reached[0]] = "ends here"
    return {"trainable": trainable, "count": sum(p.numel() for p in every),
            "gradients": BYTES * trainable, "optimizer": BYTES * kept_each * trainable,
            "maps": sum(u.put_out for u in after), "forward": forward,
            "backward": weights + inputs,
            "factor": (forward + weights + inputs) / forward if forward else 0.0,
            "end": reached[0] if reached else "", "back": back}


def requires(unit, name):
    parameter = unit.module._parameters.get(name)
    return parameter is not None and parameter.requires_grad


def steady_norms(model, kinds):
    """Pairs of each batch norm in a model, and whether it is frozen."""
    return [(m, not any(p.requires_grad for p in m.parameters()))
            for m in model.modules() if isinstance(m, kinds)]


def run_once(model, sample, clock):
    """Seconds of a run forward, and of a whole step, without an optimizer. Nothing is changed."""
    grads = [(p, p.grad) for p in model.parameters()]
    buffers = [(b, b.clone()) for b in model.buffers()]
    chance = torch.get_rng_state()
    try:
        for p, _ in grads:
            p.grad = None
        began = clock()
        total = sum(each.sum() for each in tensors(call(model, sample)))
        forward = clock() - began
        if isinstance(total, torch.Tensor) and total.requires_grad:
            total.backward()
        return forward, clock() - began
    finally:
        torch.set_rng_state(chance)
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
        for p, before in grads:
            p.grad = before
