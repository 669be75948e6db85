"""The functions behind the layers: `learntorch.nn.functional`. Bodies and rules live in `ops`.

Here stand only those whose call differs from the op of the same name (`inplace=`).
"""

from learntorch.core.op import face as _face

globals().update(_face("nn.functional"))


def relu(input, inplace=False):
    """max(x, 0); written into the input's memory when `inplace`. Shapes: any, which stays."""
    return input.relu_() if inplace else input.relu()


def relu_(input):
    """max(x, 0), in place. Shapes: any, which stays."""
    return input.relu_()


def tanh(input):
    """tanh x. Shapes: any, which stays."""
    return input.tanh()


def sigmoid(input):
    """1 / (1 + e⁻ˣ). Shapes: any, which stays."""
    return input.sigmoid()


def __getattr__(name):
    from learntorch.core.failures import no_such_name
    raise no_such_name("torch.nn.functional", name, list(globals()))
