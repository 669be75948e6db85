"""Splitting a batch over several GPUs. Without a GPU the model is simply called."""

from learntorch.nn.modules.module import Module

__all__ = ["DataParallel", "data_parallel"]


class DataParallel(Module):
    """y = module(x), the batch split along `dim` over the GPUs; without any, in one piece.

    Here there is none, so `device_ids`, `output_device` and `dim` have nothing to say, as in
    PyTorch. The model is the part `module`: every name in the state_dict begins with "module.".
    """

    def __init__(self, module, device_ids=None, output_device=None, dim=0):
        super().__init__()
        self.module = module
        self.device_ids = []

    def forward(self, *inputs, **kwargs):
        return self.module(*inputs, **kwargs)


def data_parallel(module, inputs, device_ids=None, output_device=None, dim=0, module_kwargs=None):
    """module(*inputs), the batch split over GPUs. Raises RuntimeError: there is none here."""
    raise RuntimeError("device type could not be determined: there is no GPU. Call the module "
                       "itself, module(inputs).")
