"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict against PyTorch."""

import pytest

from tests.oracle import alike, needs_torch

# each is one expression; `s` a Sequential of three, `l` a ModuleList, `d` a ModuleDict,
# `p` a ParameterList, `q` a ParameterDict, `r` a function that makes a ReLU
EXPRESSIONS = """
repr(s)
repr(s[0])
repr(s[-1])
repr(s[1:])
repr(s[::2])
s[5]
s[-4]
s['a']
len(s)
[type(m).__name__ for m in s]
repr(s.append(r()))
repr(s.insert(0, r()))
repr(s.insert(-1, r()))
repr(s.insert(3, r()))
s.insert(9, r())
s.insert(-9, r())
s.insert(0, 3)
s.append(3)
repr(s.extend([r(), r()]))
s.extend([4])
repr(s.pop(1)), repr(s)
repr(s.pop(-1)), repr(s)
s.pop(9)
repr(s + nn.Sequential(r()))
s + [r()]
s + 3
repr(s * 2)
repr(2 * s)
s * 0
s * 1.5
s.__setitem__(0, r()), repr(s)
s.__setitem__(7, r())
s.__delitem__(0), repr(s)
s.__delitem__(slice(0, 2)), repr(s)
s.__delitem__(8)
repr(nn.Sequential())
repr(nn.Sequential(OrderedDict(a=r(), b=nn.Linear(1, 2))))
repr(nn.Sequential(OrderedDict(a=r(), b=nn.Linear(1, 2)))[1:])
nn.Sequential(OrderedDict(a=r(), b=r())).__delitem__(0)
[x is y for x, y in zip(s * 2, list(s) + list(s))]
s(torch.ones(1, 2)).shape
nn.Sequential()(5)
repr(l)
repr(l[0])
repr(l[1:])
repr(l[-1])
l[9]
repr(l.append(r()))
l.insert(1, r()), repr(l)
repr(l.extend([r(), r()]))
l.extend(3)
l.append(3)
repr(l + [r(), r()])
l + [3]
repr(l.pop(0)), repr(l)
l.pop(9)
l.__delitem__(slice(1, 3)), repr(l)
l.__setitem__(-1, r()), repr(l)
repr(nn.ModuleList())
repr(nn.ModuleList([r(), r(), nn.Linear(1, 2), r()]))
repr(nn.ModuleList([nn.Sequential(r()), nn.Sequential(r())]))
repr(d)
list(d)
list(d.keys()), [repr(v) for v in d.values()], [k for k, v in d.items()]
'a' in d, 'z' in d, len(d)
repr(d['b'])
repr(d.pop('a')), repr(d)
d.pop('z')
d.clear(), repr(d)
d.update({'z': r(), 'a': nn.Tanh()}), repr(d)
d.update([('z', r())]), repr(d)
d.update(nn.ModuleDict({'y': r()})), repr(d)
d.__delitem__('a'), list(d)
d.__setitem__('a', None), repr(d)
repr(p)
len(p), p[0], p[-1], p[2]
repr(p[1:])
repr(p.append(torch.ones(2)))
repr(p.extend([1, 'a', torch.zeros(2, 2)]))
p.__setitem__(0, torch.ones(3)), repr(p), type(p[0]).__name__
p.__setitem__(9, torch.ones(3))
[k for k, v in p.named_parameters()]
[type(v).__name__ for v in p]
list(p.state_dict())
repr(nn.ParameterList())
repr(nn.ParameterList([nn.ParameterList([torch.ones(1)])]))
p.__iadd__([5]) is p
repr(q)
list(q), len(q), 'a' in q
q['a'], q['b']
q['z']
q.pop('a'), list(q)
q.pop('z')
q.popitem(), list(q)
q.get('z', 5), q.get('a')
q.setdefault('z', torch.ones(1)), q.setdefault('a'), list(q)
q.update({'z': torch.ones(1), 'c': 2}), list(q)
q.update([('z', 1), ('c', 2)]), list(q)
list(q | nn.ParameterDict({'z': torch.ones(1)}))
q.clear(), repr(q)
list(reversed(q))
repr(q.copy())
list(q.fromkeys(['m', 'n'], 1).items())
[k for k, v in q.named_parameters()], [type(v).__name__ for v in q.values()]
repr(nn.ParameterDict({'a': torch.ones(1)}))
""".strip().splitlines()


# their messages show a class, whose module is called learntorch here
SHOWS_A_CLASS = ("s.insert(0, 3)", "s * 0", "s * 1.5")


def scene(torch):
    from collections import OrderedDict
    nn = torch.nn
    torch.manual_seed(0)
    return {
        "torch": torch, "nn": nn, "OrderedDict": OrderedDict, "r": nn.ReLU,
        "s": nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)),
        "l": nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Linear(2, 1)]),
        "d": nn.ModuleDict({"b": nn.ReLU(), "a": nn.Linear(1, 1)}),
        "p": nn.ParameterList([torch.ones(2), nn.Parameter(torch.zeros(2, 3)), 7]),
        "q": nn.ParameterDict({"b": torch.ones(2), "a": nn.Parameter(torch.zeros(1)), "k": 3}),
    }


@needs_torch
@pytest.mark.parametrize("source", EXPRESSIONS)
def test_expression(source):
    alike(lambda torch: eval(source, scene(torch)), wording=source not in SHOWS_A_CLASS)


@needs_torch
def test_in_place_operators():
    def run(torch):
        s = scene(torch)["s"]
        t = s
        t += torch.nn.Sequential(torch.nn.ReLU())
        t *= 2
        return t is s, repr(t)
    alike(run)
