"""A step tried out on other parameters than the optimizer's own."""

import contextlib
from collections import defaultdict

from learntorch.core.tensor import Tensor

_WHO = "swap_in_optimizer_params_and_state requires"


@contextlib.contextmanager
def swap_in_optimizer_params_and_state(optimizer, swapin_parameters, swapin_optim_state):
    """Inside the block the optimizer works on other tensors, with another state; then all is back.

    `swapin_parameters`: a dict of tensors, in the order of the optimizer's parameters.
    `swapin_optim_state`: what `optimizer.state_dict()` returns, with the options and the state to
    use. Writes into its tensors last; entries that a step adds or replaces do not.

    Raises RuntimeError where the shapes of the two do not fit, or the optimizer has no state yet.
    """
    state, groups = _checked(optimizer, swapin_parameters, swapin_optim_state)
    own_state = optimizer.state
    own_groups = [dict(group) for group in optimizer.param_groups]
    try:
        optimizer.state = defaultdict(dict)
        for group, (options, params) in zip(optimizer.param_groups, groups, strict=True):
            group.update(options, params=params)
            for param, number in zip(params, options["params"], strict=True):
                optimizer.state[param] = dict(state.get(number, {}))
        yield
    finally:
        for group, own in zip(optimizer.param_groups, own_groups, strict=True):
            group.clear()
            group.update(own)
        optimizer.state = own_state


def _checked(optimizer, parameters, saved):
    """(state by number, [(options, params) for each group]), or an error."""
    if not optimizer.state:
        raise RuntimeError(f"{_WHO} initialized optimizer state.")
    if not isinstance(saved, dict):
        raise RuntimeError(f"{_WHO} a DCP-style optimizer state_dict.")
    state, groups = saved.get("state"), saved.get("param_groups")
    _check_state(state)
    if not isinstance(groups, list):
        raise RuntimeError(f"{_WHO} swapin_optim_state['param_groups'] to be a list of "
                           f"param-group dicts, got {type(groups).__name__}.")
    if len(groups) != len(optimizer.param_groups):
        raise RuntimeError("swapin_optim_state has a different number of parameter groups than "
                           "the live optimizer.")
    tensors = list(parameters.values())
    known, found, start = set(), [], 0
    for i, (own, options) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        _check_options(i, own, options)
        params = tensors[start:start + len(options["params"])]
        if len(params) != len(options["params"]):
            raise RuntimeError(f"{_WHO} the explicit parameter state to match "
                               "optimizer.param_groups ordering.")
        start += len(params)
        known.update(options["params"])
        found.append((options, params))
    extra = [key for key in state if key not in known]
    if extra:
        raise RuntimeError(f"{_WHO} swapin_optim_state['state'] to be keyed only by packed "
                           "parameter ids from param_groups[*]['params']; got extra keys "
                           f"{extra!r}.")
    return state, found


def _check_state(state):
    if not isinstance(state, dict):
        raise RuntimeError(f"{_WHO} swapin_optim_state['state'] to be a dict mapping packed "
                           f"parameter ids to per-param state dicts, got {type(state).__name__}.")
    if any(isinstance(key, Tensor) for key in state):
        raise RuntimeError(f"{_WHO} optimizer.state_dict()-style state keyed by packed "
                           "parameter ids.")
    if any(isinstance(key, int) and not isinstance(value, dict) for key, value in state.items()):
        raise RuntimeError(f"{_WHO} per-parameter optimizer state entries to be dictionaries.")


def _check_options(i, own, options):
    if not isinstance(options.get("params"), list) or \
            len(options["params"]) != len(own["params"]):
        raise RuntimeError(f"{_WHO} as many packed parameter ids as the live optimizer has "
                           f"parameters in group {i}.")
    if set(options) != set(own):
        only, missing = sorted(set(options) - set(own)), sorted(set(own) - set(options))
        raise RuntimeError(f"{_WHO} optimizer.state_dict()-style param group keys to exactly "
                           f"match the live optimizer group keys for group {i}. "
                           f"Keys only in swap-in: {only}. Keys only in live: {missing}.")
