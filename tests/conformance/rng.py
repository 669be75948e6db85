"""Random-number parity: after the same manual_seed, are the same numbers drawn?

Every case is run for several seeds, sizes and dtypes.  A sub-case passes when all values
are bit-exact, or differ by at most one unit in the last place where a float transform
(logarithm, sine...) is involved, and the generator's state afterwards is the same in every
byte: as many words were drawn.  How many are bit-exact, and how many merely come from the
same stream (relative difference below 1e-5), is reported as well.

Two things are judged apart, the stream and the function that is applied to it.  In the cases
of `grades.CLOSED` that function is computed by Intel's closed library inside torch's wheel, and
its last bits cannot be had elsewhere; there the numbers drawn must be the same, and the values
what `torch.testing` takes for equal.

The reference is torch on this machine's CPU; its float32 normal generator is vectorised
for 16 values and more, so its last bits can depend on the instruction set.
"""
import warnings

import numpy as np
import torch

from . import compare
from .adapter import Side
from .grades import CLOSED, enough, passes
from .limits import Budget, TimeUp
from .optims import Lib

SEEDS = (0, 1, 42, 123456789, 2 ** 40 + 7)
SIZES = tuple(range(1, 18)) + (64, 1000)
FEW = (1, 7, 16, 100)
FLOATS = ("float32", "float64")
CASES = {}


def case(sizes=(0,), dtypes=("",), name=None):
    def register(fn):
        CASES[name or fn.__name__] = (fn, sizes, dtypes)
        return fn
    return register


def _filled(method, *args):
    """A case that fills an uninitialised contiguous tensor in place."""
    def run(L, n, d):
        return getattr(L.empty(n, dtype=getattr(L, d)), method)(*args)
    return run


for _name, _args in {
    "normal_": (1.5, 2.0),
    "uniform_": (-2.0, 3.0),
    "bernoulli_": (0.3,),
    "exponential_": (1.7,),
    "geometric_": (0.3,),
    "log_normal_": (0.5, 0.7),
    "cauchy_": (0.0, 2.0),
    "random_": (),
}.items():
    case(SIZES, FLOATS, _name)(_filled(_name, *_args))


@case(SIZES, FLOATS)
def rand(L, n, d):
    return L.rand(n, dtype=getattr(L, d))


@case(SIZES, FLOATS)
def randn(L, n, d):
    return L.randn(n, dtype=getattr(L, d))


@case(SIZES)
def randint(L, n, d):
    return L.randint(100, (n,)), L.randint(-5, 5, (n, 2))


@case(SIZES)
def randint_wide(L, n, d):
    return L.randint(-2 ** 40, 2 ** 40, (n,))


@case(SIZES)
def randperm(L, n, d):
    return L.randperm(n)


@case(FEW, ("int64", "int32", "uint8"))
def random_integers(L, n, d):
    x = L.empty(n, dtype=getattr(L, d))
    return x.random_(), L.empty_like(x).random_(50), L.empty_like(x).random_(3, 17)


@case(FEW, FLOATS)
def rand_like(L, n, d):
    x = L.zeros(n, 3, dtype=getattr(L, d))
    return L.rand_like(x), L.randn_like(x), L.randint_like(x, 9)


@case(FEW, FLOATS)
def bernoulli(L, n, d):
    p = L.linspace(0, 1, n, dtype=getattr(L, d))
    return L.bernoulli(p), p.clone().bernoulli_(p)


@case(FEW, FLOATS)
def multinomial(L, n, d):
    w = L.arange(1, n + 1, dtype=getattr(L, d))
    return L.multinomial(w, max(1, n // 2)), L.multinomial(w, 2 * n, replacement=True), \
        L.multinomial(L.stack([w, w.flip(0)]), 1)


@case(FEW, FLOATS)
def normal(L, n, d):
    m = L.arange(n, dtype=getattr(L, d))
    return L.normal(m, 0.5), L.normal(0.0, m + 1), L.normal(m, m + 1), L.normal(2.0, 3.0, (n,))


@case(FEW, FLOATS)
def poisson(L, n, d):
    return L.poisson(L.linspace(0.1, 20, n, dtype=getattr(L, d)))


@case(SIZES, FLOATS)
def noncontiguous(L, n, d):
    t = getattr(L, d)
    return (L.empty(2 * n, dtype=t)[::2].uniform_(), L.empty(2 * n, dtype=t)[::2].normal_(),
            L.empty(3, n, dtype=t).t().normal_())


@case(FEW, FLOATS)
def mixed_sequence(L, n, d):
    """Interleaved draws: the second half of a Box-Muller pair must be remembered."""
    t = getattr(L, d)
    return (
        L.randn(n, dtype=t),
        L.rand(3, dtype=t),
        L.randn(1, dtype=t),
        L.randperm(n),
        L.randn(n + 2, dtype=t),
        L.randint(10, (2,)),
        L.randn(17, dtype=t),
        L.rand(1),
    )


@case(FEW, FLOATS)
def generator_object(L, n, d):
    g = L.Generator()
    g.manual_seed(n + 5)
    t = getattr(L, d)
    return (
        L.rand(n, dtype=t, generator=g),
        L.randn(n, dtype=t, generator=g),
        L.randperm(n, generator=g),
        L.rand(2),
        g.initial_seed(),
    )


@case(FEW)
def state_roundtrip(L, n, d):
    L.randn(3)
    state = L.get_rng_state()
    a = L.randn(n), L.rand(n)
    L.set_rng_state(state)
    b = L.randn(n), L.rand(n)
    return a, b, L.initial_seed()


@case()
def fork_rng(L, n, d):
    with L.random.fork_rng():
        L.manual_seed(3)
        a = L.rand(2)
    return a, L.rand(2)


@case((0,))
def state_bytes(L, n, d):
    L.rand(5)
    return L.get_rng_state()


@case(SIZES, FLOATS)
def dropout_mask(L, n, d):
    return L.nn.functional.dropout(L.ones(n, dtype=getattr(L, d)), 0.4)


@case(FEW, FLOATS)
def dropout_variants(L, n, d):
    F, x = L.nn.functional, L.ones(2, n, 3, 4, dtype=getattr(L, d))
    return (
        F.dropout2d(x, 0.4),
        F.alpha_dropout(x, 0.4, training=True),
        F.feature_alpha_dropout(x, 0.4, training=True),
        F.rrelu(-x, training=True),
        x.clone().exponential_(),
    )


@case(FEW, FLOATS)
def gumbel_softmax(L, n, d):
    return L.nn.functional.gumbel_softmax(L.ones(2, n, 3, 4, dtype=getattr(L, d)), dim=1)


def _module(make):
    def run(L, n, d):
        m = make(L.nn)
        return {k: v.detach() for k, v in m.named_parameters()}
    return run


for _name, _make in {
    "Linear": lambda nn: nn.Linear(7, 5),
    "Bilinear": lambda nn: nn.Bilinear(3, 4, 2),
    "Conv1d": lambda nn: nn.Conv1d(3, 4, 3),
    "Conv2d": lambda nn: nn.Conv2d(3, 6, 3),
    "Conv3d": lambda nn: nn.Conv3d(2, 3, 2),
    "ConvTranspose2d": lambda nn: nn.ConvTranspose2d(3, 4, 3),
    "Embedding": lambda nn: nn.Embedding(10, 4),
    "EmbeddingBag": lambda nn: nn.EmbeddingBag(10, 4),
    "RNN": lambda nn: nn.RNN(3, 4),
    "LSTM": lambda nn: nn.LSTM(3, 4, 2, bidirectional=True),
    "GRU": lambda nn: nn.GRU(3, 4),
    "LSTMCell": lambda nn: nn.LSTMCell(3, 4),
    "MultiheadAttention": lambda nn: nn.MultiheadAttention(8, 2),
    "TransformerEncoderLayer": lambda nn: nn.TransformerEncoderLayer(8, 2, 16),
    "Sequential": lambda nn: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)),
}.items():
    case(name=f"init {_name}")(_module(_make))

for _name, _args in {
    "uniform_": (-1.0, 2.0),
    "normal_": (0.5, 2.0),
    "xavier_uniform_": (),
    "xavier_normal_": (2.0,),
    "kaiming_uniform_": (0.1,),
    "kaiming_normal_": (),
    "orthogonal_": (),
    "trunc_normal_": (),
    "sparse_": (0.3,),
}.items():
    case(FEW, name=f"nn.init.{_name}")(
        lambda L, n, d, _name=_name, _args=_args: getattr(L.nn.init, _name)(
            L.zeros(n + 1, 5), *_args
        )
    )


@case((5, 20))
def dataloader_shuffle(L, n, d):
    D = L.utils.data
    loader = D.DataLoader(D.TensorDataset(L.arange(n)), batch_size=4, shuffle=True)
    return [list(b) for b in loader], [list(b) for b in loader], L.rand(2)


@case((5, 20))
def dataloader_generator(L, n, d):
    D, g = L.utils.data, L.Generator()
    g.manual_seed(9)
    loader = D.DataLoader(D.TensorDataset(L.arange(n)), batch_size=4, shuffle=True, generator=g)
    return [list(b) for b in loader], [list(b) for b in loader], L.rand(2)


@case((5, 20))
def random_split(L, n, d):
    D = L.utils.data
    a, b = D.random_split(range(n), [n - 2, 2])
    c, e = D.random_split(range(n), [0.5, 0.5])
    return list(a), list(b), list(c), list(e), L.rand(1)


@case((5, 20))
def samplers(L, n, d):
    D = L.utils.data
    return (
        list(D.RandomSampler(range(n))),
        list(D.RandomSampler(range(n), replacement=True, num_samples=2 * n)),
        list(D.SubsetRandomSampler(list(range(n)))),
        list(D.WeightedRandomSampler([1.0 + i for i in range(n)], n)),
    )


def _distribution(make):
    def run(L, n, d):
        dist = make(L, L.distributions)
        return dist.sample((n,))
    return run


for _name, _make in {
        "Normal": lambda L, D: D.Normal(L.tensor([0.0, 1.0]), L.tensor([1.0, 2.0])),
        "Uniform": lambda L, D: D.Uniform(L.tensor(-1.0), L.tensor(2.0)),
        "Bernoulli": lambda L, D: D.Bernoulli(L.tensor([0.2, 0.7])),
        "Categorical": lambda L, D: D.Categorical(L.tensor([0.2, 0.3, 0.5])),
        "Exponential": lambda L, D: D.Exponential(L.tensor(1.5)),
        "Laplace": lambda L, D: D.Laplace(L.tensor(0.0), L.tensor(2.0)),
        "Gumbel": lambda L, D: D.Gumbel(L.tensor(0.0), L.tensor(2.0)),
        "MultivariateNormal": lambda L, D: D.MultivariateNormal(L.zeros(2), L.eye(2)),
        "Gamma": lambda L, D: D.Gamma(L.tensor([0.5, 3.0]), L.tensor(1.0)),
        "Beta": lambda L, D: D.Beta(L.tensor(2.0), L.tensor(3.0)),
        "Dirichlet": lambda L, D: D.Dirichlet(L.tensor([0.5, 1.0, 2.0])),
        "Poisson": lambda L, D: D.Poisson(L.tensor(4.0)),
}.items():
    case(FEW, name=f"distributions.{_name}")(_distribution(_make))


# --------------------------------------------------------------------------
# comparison
# --------------------------------------------------------------------------

def ulp_apart(a, b):
    """Largest distance in units in the last place."""
    bits = {4: np.int32, 8: np.int64}[a.itemsize]
    x, y = a.ravel().view(bits).astype(object), b.ravel().view(bits).astype(object)
    low = -(2 ** (8 * a.itemsize - 1))
    order = lambda v: v if v >= 0 else low - v
    return max((abs(order(p) - order(q)) for p, q in zip(x, y)), default=0)


def grade(lib, ref_side, want, got):
    """3 bit-exact, 2 within one ulp, 1 same stream, 0 different."""
    states = [side.numpy(side.lib.get_rng_state()) for side in (ref_side, lib)]
    if not np.array_equal(*states):
        return 0
    worst = 3
    for path, r, g in compare.pairs(lib, want, got):
        compare.check_meta(path, r, g)
        a, b = ref_side.numpy(r.detach()), lib.numpy(g)
        if np.array_equal(a, b):
            continue
        if a.dtype.kind != "f":
            return 0
        if ulp_apart(np.ascontiguousarray(a), np.ascontiguousarray(b)) <= 1:
            worst = min(worst, 2)
        elif np.allclose(a, b, rtol=1e-5, atol=1e-6):
            worst = min(worst, 1)
        else:
            return 0
    return worst


# --------------------------------------------------------------------------
# section interface
# --------------------------------------------------------------------------

def prepare():
    warnings.simplefilter("ignore")


def items(opts):
    return [n for n in CASES if not opts.match or opts.match in n]


def start(opts, side=None):
    ref, lib = Side("torch"), side or Side(opts.lib, opts.device)
    R, L = Lib(ref), Lib(lib)

    def work(name):
        warnings.simplefilter("ignore")
        fn, sizes, dtypes = CASES[name]
        budget = Budget(opts.item_seconds)
        rec = {"n": 0, "grades": [0, 0, 0, 0], "fail": []}
        for seed in SEEDS[:2] if opts.quick else SEEDS:
            for n in sizes:
                for d in dtypes:
                    torch.manual_seed(seed)
                    want = fn(R, n, d)
                    rec["n"] += 1
                    message, score = "different numbers", 0
                    try:
                        with budget:
                            lib.manual_seed(seed)
                            score = grade(lib, ref, want, fn(L, n, d))
                    except (Exception, TimeUp) as e:
                        message = f"{type(e).__name__}: {str(e)[:200]}"
                    rec["grades"][score] += 1
                    if score < enough(name) and len(rec["fail"]) < 3:
                        if score:
                            message = "same stream, but more than one ulp apart"
                        rec["fail"].append([f"seed {seed} size {n} {d}", "rng", message])
        rec["seconds"] = round(budget.spent, 3)
        return rec

    return work


def summarise(results, opts):
    rows, lines = [], []
    done = [r for r in results.values() if "n" in r]
    total = sum(r["n"] for r in done)
    near = [r["grades"][2] + r["grades"][3] for r in done]
    passed = {n for n, r in results.items() if passes(n, r)}
    rows.append(("rng parity (cases)", len(passed), len(results)))
    rows.append(("  by the tolerance of a closed function", len(passed & set(CLOSED)), len(CLOSED)))
    rows.append(("  sub-cases within 1 ulp", sum(near), total))
    rows.append(("  sub-cases bit-exact", sum(r["grades"][3] for r in done), total))
    stream = sum(sum(r["grades"][1:]) for r in done)
    rows.append(("  sub-cases from the same stream", stream, total))
    for n in sorted(results):
        rec = results[n]
        if "crash" in rec or "n" not in rec:
            lines.append(f"{n}: {rec.get('crash') or 'not run (time limit of the section)'}")
        elif rec["fail"]:
            bad = rec["n"] - sum(rec["grades"][enough(n):])
            lines.append(f"{n}: {bad} of {rec['n']} sub-cases failed")
            lines.extend(f"    {w}: {msg}" for w, _, msg in rec["fail"])
    return rows, lines
