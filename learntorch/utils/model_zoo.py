"""torch.utils.model_zoo: the older name of what is in torch.hub."""

__all__ = ["load_url"]


def load_url(*args, **kwargs):
    """`torch.hub.load_state_dict_from_url`."""
    from learntorch.hub import load_state_dict_from_url
    return load_state_dict_from_url(*args, **kwargs)
