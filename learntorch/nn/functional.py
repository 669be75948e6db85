"""The functions behind the layers: `learntorch.nn.functional`. Bodies and rules live in `ops`."""

from learntorch.core.op import face as _face

globals().update(_face("nn.functional"))
