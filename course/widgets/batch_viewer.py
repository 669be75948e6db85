"""The batch viewer: which sample goes into which batch, and which worker fetches it."""

import traitlets as t

import learntorch as torch
from course.widgets.base import Widget, script, style
from learntorch.utils.data import DataLoader, Dataset, WeightedRandomSampler
from learntorch.viz.svg import escape

MOST = 400              # samples; a picture of more says nothing
AHEAD = 2               # batches that a DataLoader asks of each worker in advance
SAMPLERS = ["none", "weighted", "balanced"]
LABELS = [0] * 20 + [1] * 6
SIGNS = "●■▲◆★✚⬟▼"       # a sign for each class, so that colour is not needed


class BatchViewer(Widget):
    """Shows an epoch of a DataLoader over samples with these `labels` (at most 8 classes).

    batch_size, shuffle, drop_last, workers: as the DataLoader takes them. sampler: "none",
    "weighted" (WeightedRandomSampler, every class as likely as the others) or "balanced" (a batch
    sampler that puts as many of each class into each batch). seed: of the generator. epoch: which
    pass over the data, from 1. step: how many batches have been delivered.

    Everything on show comes from a real DataLoader with these options; if it refuses them, its
    error is the message.
    """

    kind = "batches"
    shared = ("batch_size", "shuffle", "drop_last", "sampler", "workers", "seed", "epoch", "step")
    _esm = script("common.js", "batch_viewer.js")
    _css = style("batch_viewer.css")

    batch_size = t.Int(4).tag(sync=True)
    shuffle = t.Bool(False).tag(sync=True)
    drop_last = t.Bool(False).tag(sync=True)
    sampler = t.Enum(SAMPLERS, "none").tag(sync=True)
    workers = t.Int(2).tag(sync=True)
    seed = t.Int(0).tag(sync=True)
    epoch = t.Int(1).tag(sync=True)
    step = t.Int(0).tag(sync=True)
    classes = t.List().tag(sync=True)
    samples = t.List().tag(sync=True)
    batches = t.List().tag(sync=True)
    lanes = t.List().tag(sync=True)
    summary = t.Unicode().tag(sync=True)
    code = t.Unicode().tag(sync=True)
    problem = t.Unicode().tag(sync=True)

    def __init__(self, labels=None, **traits):
        labels = LABELS if labels is None else labels
        self.labels = labels.tolist() if hasattr(labels, "tolist") else list(labels)
        names = sorted(set(self.labels), key=lambda n: (str(type(n)), n))
        if not 1 <= len(self.labels) <= MOST or len(names) > len(SIGNS):
            raise ValueError(f"a batch viewer shows 1 to {MOST} samples of at most {len(SIGNS)} "
                             f"classes, not {len(self.labels)} of {len(names)}")
        self.names = names
        super().__init__(**traits)
        self.classes = [{"name": str(name), "sign": SIGNS[i], "count": self.labels.count(name)}
                        for i, name in enumerate(names)]
        self._deal()
        self.observe(self._deal, ["batch_size", "shuffle", "drop_last", "sampler", "seed", "epoch",
                                  "workers"])
        self.observe(self._go, ["step"])

    @t.validate("batch_size")
    def _size(self, proposal):
        return max(1, min(proposal["value"], len(self.labels)))

    @t.validate("workers")
    def _hands(self, proposal):
        return max(0, min(proposal["value"], 4))

    @t.validate("epoch")
    def _pass(self, proposal):
        return max(1, min(proposal["value"], 50))

    @t.validate("seed")
    def _count(self, proposal):
        return max(0, min(proposal["value"], 10**6))

    @t.validate("step")
    def _within(self, proposal):
        return max(0, proposal["value"])

    def _deal(self, _change=None):
        options = {name: getattr(self, name) for name in
                   ("batch_size", "shuffle", "drop_last", "sampler", "workers")}
        self.code = written(**options)
        try:
            dealt = epoch(self.labels, self.seed, self.epoch, **options)
            self.problem = ""
        except ValueError as error:
            dealt, self.problem = [], f"{type(error).__name__}: {error}"
        self.dealt = dealt
        self.batches = described(dealt, self.labels, self.names, self.batch_size, self.workers)
        self.summary = self.problem or summary(self.batches, self.labels, self.batch_size)
        self.step = min(self.step, len(dealt))
        self._go()

    def _go(self, _change=None):
        if self.step > len(self.dealt):
            self.step = len(self.dealt)
            return
        self.samples = states(self.labels, self.names, self.dealt, self.step)
        self.lanes = lanes(len(self.dealt), self.step, self.workers)
        self.message = sentence(self.batches, self.step, self.classes) if not self.problem else ""
        self.alt = f"{self.code}. {self.summary} {self.message}"

    def static(self):
        return batches_svg(self.code, self.summary, self.batches, self.classes)

    def __repr__(self):
        return f"BatchViewer({self.summary})"


class Balanced:
    """Batches with equally many samples of each class, until the smallest class is used up."""

    def __init__(self, labels, names, batch_size, generator):
        self.each, rest = divmod(batch_size, len(names))
        if rest or not self.each:
            raise ValueError(f"a batch of {batch_size} cannot hold equally many of {len(names)} "
                             f"classes: take a multiple of {len(names)}")
        self.groups = [[i for i, label in enumerate(labels) if label == name] for name in names]
        self.generator = generator

    def __iter__(self):
        orders = [[group[i] for i in torch.randperm(len(group), generator=self.generator)]
                  for group in self.groups]
        for start in range(0, len(self) * self.each, self.each):
            yield [i for order in orders for i in order[start:start + self.each]]

    def __len__(self):
        return min(map(len, self.groups)) // self.each


class Indices(Dataset):
    """Sample i is the number i: what a DataLoader delivers are the indices themselves."""

    def __init__(self, length):
        self.length = length

    def __getitem__(self, i):
        return i

    def __len__(self):
        return self.length


def loader(labels, generator, batch_size, shuffle, drop_last, sampler, workers):
    """The DataLoader of the options; it delivers indices. ValueError where it refuses them."""
    names = sorted(set(labels), key=lambda n: (str(type(n)), n))
    data, same = Indices(len(labels)), {"generator": generator, "collate_fn": list}
    if sampler == "balanced":
        batches = Balanced(labels, names, batch_size, generator)
        return DataLoader(data, batch_sampler=batches, shuffle=shuffle, drop_last=drop_last, **same)
    chosen = None
    if sampler == "weighted":
        weights = [1 / labels.count(label) for label in labels]
        chosen = WeightedRandomSampler(weights, len(labels), generator=generator)
    return DataLoader(data, batch_size=batch_size, shuffle=shuffle, sampler=chosen,
                      drop_last=drop_last, **same)


def epoch(labels, seed, number, **options):
    """The batches of one pass, lists of indices: the `number`-th with this seed."""
    generator = torch.Generator().manual_seed(seed)
    made = loader(labels, generator, **options)
    for _ in range(number - 1):
        list(made)
    return list(made)


def written(batch_size, shuffle, drop_last, sampler, workers):
    """The call in Python."""
    parts = ["data"]
    parts += ["batch_sampler=balanced"] if sampler == "balanced" else [f"batch_size={batch_size}"]
    parts += ["shuffle=True"] if shuffle else []
    parts += ["sampler=weighted"] if sampler == "weighted" else []
    parts += ["drop_last=True"] if drop_last else []
    parts += [f"num_workers={workers}"] if workers else []
    return f"DataLoader({', '.join(parts)}, generator=g)"


def described(dealt, labels, names, batch_size, workers):
    """[{"number", "indices", "kinds", "counts", "worker", "short", "balanced"}] of all batches."""
    made = []
    for i, batch in enumerate(dealt):
        kinds = [names.index(labels[k]) for k in batch]
        counts = [kinds.count(c) for c in range(len(names))]
        made.append({"number": i, "indices": list(batch), "kinds": kinds, "counts": counts,
                     "worker": i % workers if workers else -1, "short": len(batch) < batch_size,
                     "balanced": len(set(counts)) == 1})
    return made


def summary(batches, labels, batch_size):
    """The epoch in one sentence or two."""
    if not batches:
        return "No batch at all: no full batch can be made."
    used = [i for b in batches for i in b["indices"]]
    left, again = len(labels) - len(set(used)), len(used) - len(set(used))
    sizes = f"{plural(len(batches), 'batch', 'batches')} of {batch_size}"
    if batches[-1]["short"]:
        full, rest = len(batches) - 1, len(batches[-1]["indices"])
        sizes = (f"{plural(full, 'batch', 'batches')} of {batch_size} and a last one of {rest}"
                 if full else f"one batch of {rest}")
    even = sum(b["balanced"] for b in batches)
    said = [f"{len(labels)} samples: {sizes}; {even} of {len(batches)} balanced."]
    said += [f"{plural(left, 'sample', 'samples')} never used."] if left else []
    said += [f"{plural(again, 'place', 'places')} taken by a sample seen before."] if again else []
    return " ".join(said)


def plural(n, one, many):
    return f"{n} {one if n == 1 else many}"


def states(labels, names, dealt, step):
    """Of each sample its class, and how often it has been delivered so far, and will be."""
    so_far = [i for batch in dealt[:step] for i in batch]
    whole = [i for batch in dealt for i in batch]
    return [{"kind": names.index(label), "seen": so_far.count(i), "times": whole.count(i)}
            for i, label in enumerate(labels)]


def lanes(count, step, workers):
    """Who holds which batches: [{"name", "batches": [{"number", "state"}]}].

    Batches go to the workers in turn; each is asked for `AHEAD` in advance. States: "delivered",
    "asked", "waiting" (nobody has been asked yet). Without workers the main process fetches a
    batch when it is wanted, and none before.
    """
    asked = min(count, step + AHEAD * workers)
    made = []
    for w in range(max(1, workers)):
        mine = range(w, count, max(1, workers))
        made.append({"name": f"worker {w}" if workers else "main process", "batches": [
            {"number": i, "state": "delivered" if i < step else "asked" if i < asked else "waiting"}
            for i in mine]})
    return made


def sentence(batches, step, classes):
    """What the last step delivered."""
    if step == 0:
        return f"Nothing delivered yet. {plural(len(batches), 'batch', 'batches')} to come."
    b = batches[step - 1]
    who = "the main process" if b["worker"] < 0 else f"worker {b['worker']}"
    counts = ", ".join(f"{n} of class {c['name']}" for n, c in zip(b["counts"], classes,
                                                                   strict=True))
    indices = ", ".join(map(str, b["indices"][:16])) + (", …" if len(b["indices"]) > 16 else "")
    return f"Batch {b['number']} from {who}: samples {indices}; {counts}."


STYLE = """
.lt-batches{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.lt-batches .ground{fill:#fff}.lt-batches text{fill:#1a1a1a}.lt-batches .head{font-weight:600}
.lt-batches .small{font-size:11px;fill:#666}.lt-batches .mid{text-anchor:middle}
.lt-batches .k0{fill:#0072b2}.lt-batches .k1{fill:#b84e00}.lt-batches .k2{fill:#00795a}
.lt-batches .k3{fill:#a0457f}.lt-batches .k4{fill:#9a6400}.lt-batches .k5{fill:#6b6b6b}
.lt-batches .k6{fill:#0b6fa4}.lt-batches .k7{fill:#1a1a1a}
@media (prefers-color-scheme:dark){.lt-batches .ground{fill:#14181c}.lt-batches text{fill:#f0f0f0}
.lt-batches .small{fill:#aaa}.lt-batches .k0{fill:#56b4e9}.lt-batches .k1{fill:#ff8c4a}
.lt-batches .k2{fill:#2fc79a}.lt-batches .k3{fill:#e39cc5}.lt-batches .k4{fill:#f0b429}
.lt-batches .k5{fill:#a8a8a8}.lt-batches .k6{fill:#7cc7f0}.lt-batches .k7{fill:#f0f0f0}}
"""
HIGH, WIDE, ROWS, ACROSS, CHARACTER = 22, 30, 24, 20, 7.3


def batches_svg(code, said, batches, classes):
    """The static picture: a line for each batch."""
    parts = [f'<text class="head" x="12" y="22">{escape(code)}</text>',
             f'<text x="12" y="40">{escape(said)}</text>']
    legend = "   ".join(f"{c['sign']} class {c['name']}: {c['count']}" for c in classes)
    parts.append(f'<text class="small" x="12" y="58">{escape(legend)}</text>')
    y = 66
    for b in batches[:ROWS]:
        y += HIGH
        who = "main" if b["worker"] < 0 else f"worker {b['worker']}"
        parts.append(f'<text x="12" y="{y}">batch {b["number"]}</text>'
                     f'<text class="small" x="84" y="{y}">{who}</text>')
        for k, (index, kind) in enumerate(zip(b["indices"][:ACROSS], b["kinds"], strict=False)):
            x = 150 + k * WIDE + WIDE // 2
            parts.append(f'<text class="mid" x="{x}" y="{y}"><tspan class="k{kind}">'
                         f'{classes[kind]["sign"]}</tspan>{index}</text>')
    if len(batches) > ROWS:
        y += HIGH
        parts.append(f'<text class="small" x="12" y="{y}">… and {len(batches) - ROWS} more '
                     f'batches</text>')
    y += 14
    longest = max([min(len(b["indices"]), ACROSS) for b in batches], default=0)
    width = max(150 + longest * WIDE + 12,
                24 + int(CHARACTER * max(len(code), len(said), len(legend))))
    words = "; ".join(f"batch {b['number']}: {', '.join(map(str, b['indices'][:ACROSS]))}"
                      for b in batches[:ROWS])
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-batches" role="img" width="{width}" '
        f'height="{y}" viewBox="0 0 {width} {y}" aria-label="{escape(code)}">',
        f"<title>{escape(code)}</title><desc>{escape(said + ' ' + words)}</desc>",
        f"<style>{STYLE}</style>", f'<rect class="ground" width="{width}" height="{y}" rx="6"/>',
        *parts, "</svg>"])
