"""What Module promises, told without PyTorch: registration, sentences, loading, hooks, copies."""

import copy
import gc
import pickle
import weakref

import pytest

import learntorch as lt
import learntorch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.norm = nn.BatchNorm1d(2)
        self.scale = nn.Parameter(lt.ones(1))

    def forward(self, x, *, twice=False):
        y = (self.layer(x) - self.norm.running_mean) * self.scale
        return y * 2 if twice else y


def values(module):
    return {name: t.tolist() for name, t in module.state_dict().items()}


def test_assignment_registers():
    m = Net()
    assert list(m.state_dict()) == [
        "scale", "layer.weight", "layer.bias", "norm.weight", "norm.bias", "norm.running_mean",
        "norm.running_var", "norm.num_batches_tracked"]
    assert "layer" not in m.__dict__ and m.layer is m._modules["layer"]


def test_call_passes_everything_on():
    m = Net().eval()
    x = lt.ones(2, 3)
    assert lt.equal(m(x, twice=True), m(x) * 2)


@pytest.mark.parametrize("value", ["nn.Linear(1, 1)", "nn.Parameter(lt.ones(1))",
                                   "nn.Buffer(lt.ones(1))"])
def test_forgotten_super_init_says_what_to_write(value):
    class Forgetful(nn.Module):
        def __init__(self):
            self.part = eval(value)
    with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call\. Write "
                                             r"super\(\).__init__\(\) as the first line of Forget"):
        Forgetful()


def test_forgotten_super_init_shows_at_the_first_call_too():
    class Empty(nn.Module):
        def __init__(self):
            pass
    with pytest.raises(AttributeError, match=r"'Empty' object has no attribute '_backward_hooks'.*"
                                             r"super\(\).__init__\(\)"):
        Empty()(1)


def test_a_misspelt_name_is_suggested():
    m = nn.Linear(2, 2)
    with pytest.raises(AttributeError) as caught:
        _ = m.wieght
    assert caught.value.name == "wieght" and caught.value.obj is m      # what Python suggests from
    assert "weight" in dir(m)


@pytest.mark.parametrize("state,words", [
    ({"module.weight": lt.ones(2, 2), "module.bias": lt.ones(2)}, "removeprefix"),
    ({"epoch": 3, "state_dict": {}}, "whole checkpoint"),
])
def test_usual_mistakes_of_loading_are_named(state, words):
    with pytest.raises(RuntimeError, match=words):
        nn.Linear(2, 2).load_state_dict(state)


class Counting(nn.Module):
    """A part with extra state, that refuses negative counts."""

    def __init__(self):
        super().__init__()
        self.count = 1

    def get_extra_state(self):
        return self.count

    def set_extra_state(self, state):
        self.count = state
        if state < 0:
            raise ValueError("negative")


def wrong_states():
    good = {k: v + 1 for k, v in Net().state_dict().items()}
    yield "missing", {k: v for k, v in good.items() if k != "norm.running_var"}
    yield "unexpected", {**good, "zzz": lt.ones(1)}
    yield "wrong shape at the end", {**good, "norm.num_batches_tracked": lt.ones(2)}
    yield "not a tensor", {**good, "norm.bias": [1, 2]}


@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.parametrize("state", [pytest.param(s, id=name) for name, s in wrong_states()])
def test_a_wrong_state_dict_changes_nothing(state, assign):
    m = Net()
    before = values(m)
    held = [id(t) for t in (*m.parameters(), *m.buffers())]
    with pytest.raises(RuntimeError, match=r"Error\(s\) in loading state_dict for Net"):
        m.load_state_dict(state, assign=assign)
    assert values(m) == before
    assert [id(t) for t in (*m.parameters(), *m.buffers())] == held


def test_extra_state_is_put_back_too():
    m = nn.Sequential(Counting(), nn.Linear(1, 1))
    good = m.state_dict()
    with pytest.raises(RuntimeError):
        m.load_state_dict({**good, "0._extra_state": 5, "1.bias": lt.ones(3)})
    assert m[0].count == 1
    with pytest.raises(ValueError, match="negative"):
        m.load_state_dict({**good, "0._extra_state": -1})
    assert m[0].count == 1


def test_an_interrupted_load_changes_nothing():
    class Stopping(nn.Linear):
        def _load_from_state_dict(self, *args):
            super()._load_from_state_dict(*args)
            raise KeyboardInterrupt
    m = nn.Sequential(nn.Linear(1, 1), Stopping(1, 1))
    before = values(m)
    with pytest.raises(KeyboardInterrupt):
        m.load_state_dict({k: v + 1 for k, v in m.state_dict().items()})
    assert values(m) == before


def test_loading_is_noticed_by_autograd():
    m = nn.Linear(2, 1)
    y = (m(lt.ones(1, 2)) ** 2).sum()
    version = m.weight._version
    m.load_state_dict({"weight": lt.zeros(1, 2), "bias": lt.zeros(1)})
    assert m.weight._version == version + 1
    y.backward()


def test_loaded_tensors_are_copied():
    m = nn.Linear(1, 1)
    given = {"weight": lt.ones(1, 1), "bias": lt.ones(1)}
    m.load_state_dict(given)
    given["weight"].zero_()
    assert m.weight.item() == 1


def test_subclasses_may_read_old_names():
    class Renamed(nn.Linear):
        def _load_from_state_dict(self, state_dict, prefix, *rest):
            if prefix + "W" in state_dict:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "W")
            super()._load_from_state_dict(state_dict, prefix, *rest)
    m = nn.Sequential(Renamed(1, 1))
    m.load_state_dict({"0.W": lt.ones(1, 1), "0.bias": lt.ones(1)})
    assert m[0].weight.item() == 1


def test_versions_reach_the_loader():
    class Versioned(nn.Linear):
        _version = 5

        def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
            self.seen = local_metadata.get("version")
            super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)
    m = nn.Sequential(Versioned(1, 1))
    m.load_state_dict(m.state_dict())
    assert m[0].seen == 5
    m.load_state_dict(dict(m.state_dict()))
    assert m[0].seen is None


def test_deepcopy_is_independent():
    m = Net()
    m(lt.ones(2, 3)).sum().backward()
    other = copy.deepcopy(m)
    with lt.no_grad():
        other.scale.fill_(9)
    assert m.scale.item() == 1 and type(other.scale) is nn.Parameter
    assert other.layer.weight.grad is None and other.scale.requires_grad


def test_deepcopy_keeps_sharing():
    m = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    m[1].weight = m[0].weight
    other = copy.deepcopy(m)
    assert other[1].weight is other[0].weight is not m[0].weight


def test_pickle_of_a_model():
    m = Net()
    m.train(False)
    m.note = "kept"
    again = pickle.loads(pickle.dumps(m))
    assert values(again) == values(m) and not again.training and again.note == "kept"
    assert type(again.scale) is nn.Parameter and again.scale.requires_grad
    assert lt.equal(again(lt.ones(1, 3)), m(lt.ones(1, 3)))


def test_pickle_of_parameters():
    p = nn.Parameter(lt.ones(2), requires_grad=False)
    p.tag = "kept"
    again = pickle.loads(pickle.dumps(p))
    assert type(again) is nn.Parameter and not again.requires_grad and again.tag == "kept"


def test_old_pickles_get_what_they_lack():
    m = nn.Linear(1, 1)
    state = m.__getstate__()
    for name in ("_forward_pre_hooks_with_kwargs", "_state_dict_pre_hooks"):
        del state[name]
    old = nn.Linear.__new__(nn.Linear)
    old.__setstate__(state)
    assert old(lt.ones(1, 1)).shape == (1, 1)


def test_parameter_shares_memory_and_version():
    t = lt.ones(2)
    p = nn.Parameter(t)
    t.add_(1)
    assert p.tolist() == [2.0, 2.0] and p._version == t._version == 1
    assert p.is_leaf and p.requires_grad and not t.requires_grad
    assert repr(p) == "Parameter containing:\ntensor([2., 2.], requires_grad=True)"
    assert type(p + 1) is lt.Tensor and type(p.detach()) is lt.Tensor


def test_parameter_of_a_computed_tensor_is_a_leaf():
    x = lt.ones(2).requires_grad_()
    p = nn.Parameter(x * 2)
    assert p.is_leaf and p.grad_fn is None


def test_a_subclass_of_parameter_stays_itself():
    class Mine(nn.Parameter):
        pass
    m = nn.Module()
    m.p = Mine(lt.ones(1))
    assert list(m._parameters) == ["p"] and type(copy.deepcopy(m).p) is Mine


def test_buffer_is_a_marked_tensor():
    b = nn.Buffer(lt.ones(1), persistent=False)
    assert isinstance(b, nn.Buffer) and type(b) is lt.Tensor and not b.persistent
    assert not isinstance(lt.ones(1), nn.Buffer) and not isinstance(3, nn.Buffer)


def test_gradients_accumulate_into_parameters():
    m = nn.Linear(2, 1)
    for _ in range(2):
        m(lt.ones(1, 2)).sum().backward()
    assert m.bias.grad.tolist() == [2.0]


def test_hooks_see_a_module_they_do_not_keep_alive():
    m = nn.ReLU()
    handle = m.register_forward_hook(lambda *a: None)
    ref = weakref.ref(m)
    del m
    gc.collect()
    assert ref() is None
    handle.remove()


def test_handles_can_be_pickled():
    m = nn.ReLU()
    handle = m.register_forward_hook(print)
    again, same = pickle.loads(pickle.dumps((handle, m)))
    again.remove()
    assert not same._forward_hooks


def test_backward_hooks_of_a_chain_run_from_the_end():
    m, seen = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)), []
    for i, part in enumerate(m):
        part.register_full_backward_hook(lambda mod, gi, go, i=i: seen.append(i))
    x = lt.ones(1, 2).requires_grad_()
    m(x).sum().backward()
    assert seen == [2, 1, 0] and x.grad is not None


def test_backward_hook_must_return_as_many_gradients():
    m = nn.Tanh()
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0], gi[0]))
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"):
        m(lt.ones(1).requires_grad_()).sum().backward()


def test_backward_hook_without_input_gradient():
    m, seen = nn.Linear(2, 1), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go[0].tolist())))
    with pytest.warns(UserWarning, match="no inputs require gradients"):
        m(lt.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[1.0]])]


def test_old_backward_hook():
    m, seen = nn.Tanh(), []
    m.register_backward_hook(lambda mod, gi, go: seen.append(go[0].tolist()))
    x = lt.zeros(1).requires_grad_()
    m(x * 1).sum().backward()
    with pytest.warns(FutureWarning, match="multiple autograd Nodes is deprecated"):
        m(x)
    assert seen == [[1.0]]


def test_an_always_called_hook_that_fails_is_silenced():
    class Failing(nn.Module):
        def forward(self):
            raise ValueError("boom")

    def hook(*args):
        raise KeyError("hook")
    m = Failing()
    m.register_forward_hook(hook, always_call=True)
    with pytest.warns(UserWarning, match="silenced as another error was raised in forward"):
        with pytest.raises(ValueError, match="boom"):
            m()


def test_training_is_an_attribute_of_every_part():
    m = Net()
    m.norm.eval()
    assert (m.training, m.norm.training) == (True, False)


def test_a_failing_forward_leaves_no_hook_state():
    m = nn.Linear(2, 1)
    m.register_full_backward_hook(lambda *a: None)
    with pytest.raises(RuntimeError):
        m(lt.ones(1, 3).requires_grad_())
    m(lt.ones(1, 2).requires_grad_()).sum().backward()


def test_compile_does_not_change_results():
    m = nn.Linear(2, 1)
    x = lt.ones(1, 2)
    before = m(x)
    m.compile()
    assert lt.equal(m(x), before)


def test_share_memory_returns_the_module():
    m = nn.Linear(2, 1)
    assert m.share_memory() is m


def test_no_cycles_are_left():
    """A model is freed by reference count alone: no garbage collection in a training loop."""
    gc.disable()
    try:
        m = Net()
        ref = weakref.ref(m)
        m(lt.ones(2, 3)).sum().backward()
        del m
        assert ref() is None
    finally:
        gc.enable()


def test_multiple_inheritance():
    class Named:
        def __init__(self, name="none"):
            self.name = name

    class Both(nn.Module, Named):
        call_super_init = True

        def __init__(self):
            super().__init__(name="both")
    m = Both()
    assert m.name == "both" and list(m.parameters()) == []
