"""Places for the nodes of a drawing: layers from top to bottom, few crossings, straight long edges.

Four steps (Sugiyama, Tagawa, Toda 1981): layers by longest path, with inputs pulled down to just
above their first use; one chain of bends per source for edges that pass other layers; order in
each layer by barycentres, keeping the best of several sweeps; places by least squares under "keep
this order and this distance", which is isotonic regression.
Nothing is random and nothing depends on hashes: the same drawing gives the same numbers.
"""

from learntorch.viz.text import DOTS, size

LETTER = 7.3            # width of a letter, pixels, at the size the pictures are written in
HEIGHT = 40
LONGEST = 24            # letters of a label before it is cut
GAP = 22                # between neighbours in a layer
RISE = 38               # between layers
MARGIN = 16
SWEEPS = 8
BENDS = 6000            # beyond these, long edges are drawn straight: time before beauty


def layout(drawing, height=HEIGHT, letters=None):
    """Coordinates in pixels, y downwards, for a dictionary made by `graph`.

    height: of every node. letters: {id: how many letters it must have room for}, where that is
    more than its label and shape need.
    Returns {"width", "height", "nodes": {id: {"x", "y", "w", "h", "lines"}}, "edges": [points, …]}:
    x, y is the middle of a node, lines its text, and edges[i] the bends of drawing["edges"][i].
    """
    net = Net(drawing, height, letters or {})
    net.assign_layers()
    net.bend()
    net.order()
    net.place()
    return net.result()


def captions(node):
    """The two lines of text in a node: what it is, and its shape."""
    label = str(node["label"])
    if len(label) > LONGEST:
        label = label[:LONGEST - 1] + DOTS
    return [label, "failed" if node["kind"] == "broken" else size(node["shape"])]


class Net:
    """The drawing by place in a list; bends are added behind the real nodes."""

    def __init__(self, drawing, height, letters):
        self.height = height
        nodes = drawing["nodes"]
        self.ids = [n["id"] for n in nodes]
        where = {name: i for i, name in enumerate(self.ids)}
        self.lines = [captions(n) for n in nodes]
        self.pairs = [(where[e["source"]], where[e["target"]]) for e in drawing["edges"]]
        self.inputs = [n["kind"] in ("leaf", "constant") for n in nodes]
        self.real = len(nodes)
        self.wide = [max(64.0, LETTER * max(letters.get(i, 0), *map(len, text)) + 20)
                     for i, text in zip(self.ids, self.lines, strict=True)]
        self.layer = [0] * self.real
        self.chains = {}            # source → itself and its bends, one for each layer it passes
        self.trunks = {}            # source → the same bends as vertical runs

    def assign_layers(self):
        """layer(n) = 1 + the deepest of what feeds it; inputs just above what they feed first."""
        fed_by = [[] for _ in self.ids]
        feeds = [[] for _ in self.ids]
        for s, t in self.pairs:
            fed_by[t].append(s)
            feeds[s].append(t)
        for n in topological(fed_by, feeds):
            self.layer[n] = 1 + max((self.layer[s] for s in fed_by[n]), default=-1)
        for n in range(self.real):
            if self.inputs[n] and feeds[n]:
                self.layer[n] = min(self.layer[t] for t in feeds[n]) - 1
        lowest = min(self.layer, default=0)
        self.layer = [k - lowest for k in self.layer]

    def bend(self):
        """Give each source one chain of bends, as long as its longest edge; link layer to layer."""
        self.up = [[] for _ in range(self.real)]
        self.down = [[] for _ in range(self.real)]
        for s, t in sorted(self.pairs, key=lambda p: abs(self.layer[p[1]] - self.layer[p[0]])):
            if self.layer[s] > self.layer[t]:       # only after merging nodes: draw it backwards
                s, t = t, s
            chain = self.chains.setdefault(s, [s])
            span = self.layer[t] - self.layer[s]
            if len(self.layer) - self.real + span - len(chain) > BENDS:
                continue
            while len(chain) < span:
                chain.append(self.add_bend(self.layer[s] + len(chain), chain[-1]))
            self.join(chain[max(0, span - 1)], t)

    def add_bend(self, layer, above):
        n = len(self.layer)
        self.layer.append(layer)
        self.wide.append(8.0)
        self.up.append([])
        self.down.append([])
        self.join(above, n)
        return n

    def join(self, above, below):
        if below not in self.down[above] and above != below:
            self.down[above].append(below)
            self.up[below].append(above)

    def order(self):
        """Left to right: sweep down and up by barycentres, keep the order with fewest crossings."""
        self.rows = [[] for _ in range(max(self.layer, default=-1) + 1)]
        for n in self.depth_first():
            self.rows[self.layer[n]].append(n)
        best, fewest = [list(r) for r in self.rows], self.crossings()
        for sweep in range(SWEEPS):
            if fewest == 0:
                break
            downwards = sweep % 2 == 0
            self.sweep(downwards)
            count = self.crossings()
            if count < fewest:
                best, fewest = [list(r) for r in self.rows], count
        self.rows = best

    def depth_first(self):
        """All nodes, neighbours of one another close together: a good order to start from."""
        met = set()
        found = []
        last = [n for n in range(len(self.layer)) if not self.down[n]]
        for start in last + list(range(len(self.layer))):
            waiting = [start]
            while waiting:
                n = waiting.pop()
                if n not in met:
                    met.add(n)
                    found.append(n)
                    waiting.extend(reversed(self.up[n]))
        return found

    def sweep(self, downwards):
        rows = self.rows[1:] if downwards else self.rows[-2::-1]
        near = self.up if downwards else self.down
        spot = self.spots()
        for row in rows:
            centre = {n: sum(spot[m] for m in near[n]) / len(near[n]) if near[n] else spot[n]
                      for n in row}
            row.sort(key=lambda n: (centre[n], spot[n]))
            for i, n in enumerate(row):
                spot[n] = i / max(1, len(row) - 1)

    def spots(self):
        """Each node's place in its row, as a fraction of the row."""
        spot = [0.0] * len(self.layer)
        for row in self.rows:
            for i, n in enumerate(row):
                spot[n] = i / max(1, len(row) - 1)
        return spot

    def crossings(self):
        """Pairs of edges that cross: inversions between neighbouring rows (Fenwick tree)."""
        total = 0
        for above, below in zip(self.rows, self.rows[1:], strict=False):
            spot = {n: i for i, n in enumerate(below)}
            ends = [spot[t] for s in above for t in sorted(self.down[s], key=spot.__getitem__)]
            tree = [0] * (len(below) + 1)
            for seen, end in enumerate(ends):
                i = end + 1
                before = 0
                while i:
                    before += tree[i]
                    i -= i & -i
                total += seen - before
                i = end + 1
                while i <= len(below):
                    tree[i] += 1
                    i += i & -i
        return total

    def place(self):
        """x: every node as near as its row allows to the middle of its neighbours."""
        self.x = [0.0] * len(self.layer)
        for row in self.rows:
            self.settle(row, [0.0] * len(row), [1.0] * len(row))
        for sweep in range(SWEEPS):
            downwards = sweep % 2 == 0
            near = self.up if downwards else self.down
            for row in self.rows[1:] if downwards else self.rows[-2::-1]:
                self.settle(row, [self.wish(n, near[n]) for n in row],
                            [self.pull(n, near[n]) for n in row])

    def wish(self, n, near):
        """The middle of the neighbours: of ops if there are any, else of bends, else of inputs.
        So a chain of layers stays straight, with its weights and by-passes beside it."""
        best = max(map(self.rank, near), default=0)
        wanted = [self.x[m] for m in near if self.rank(m) == best] or [self.x[n]]
        return sum(wanted) / len(wanted)

    def rank(self, n):
        """What gives way to what: inputs to bends, bends to ops."""
        if n >= self.real:
            return 1
        return 0 if self.inputs[n] else 2

    def pull(self, n, near):
        """How strongly a node holds on to its wish when it meets a neighbour of its row."""
        return (1e-6, 1e-4, 1.0)[self.rank(n)] if near else 1e-6

    def settle(self, row, wish, weight):
        """Minimise Σ weight·(x − wish)² while neighbours keep their distance (pool adjacent)."""
        offset = [0.0]
        for a, b in zip(row, row[1:], strict=False):
            offset.append(offset[-1] + (self.wide[a] + self.wide[b]) / 2 + GAP)
        pools = []                          # [mean, weight, how many]
        for w, o, k in zip(wish, offset, weight, strict=True):
            pools.append([w - o, k, 1])
            while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
                mean, k2, count = pools.pop()
                left = pools[-1]
                left[0] = (left[0] * left[1] + mean * k2) / (left[1] + k2)
                left[1] += k2
                left[2] += count
        i = 0
        for mean, _, count in pools:
            for _ in range(count):
                self.x[row[i]] = mean + offset[i]
                i += 1

    def result(self):
        """Everything in whole pixels, moved so that the picture starts at the margin."""
        span = range(self.real)
        left = min((self.x[n] - self.wide[n] / 2 for n in span), default=0)
        left = min([left, *(self.x[n] - 4 for n in range(self.real, len(self.x)))]) - MARGIN
        x = [round(v - left) for v in self.x]
        y = [self.top(k) + self.height // 2 for k in self.layer]
        nodes = {self.ids[n]: {"x": x[n], "y": y[n], "w": round(self.wide[n]), "h": self.height,
                               "lines": self.lines[n]} for n in span}
        right = max([x[n] + self.wide[n] / 2 for n in span]
                    + [v + 4 for v in x[self.real:]], default=0)
        return {"width": round(right) + MARGIN,
                "height": max(y, default=0) + self.height // 2 + MARGIN,
                "nodes": nodes, "edges": [self.points(s, t, x, y) for s, t in self.pairs]}

    def points(self, s, t, x, y):
        """From the bottom of the source over the bends to the top of the target."""
        turned = self.layer[s] > self.layer[t]
        if turned:
            s, t = t, s
        half = self.height // 2
        path = [[x[s], y[s] + half]]
        for bend, first, last in self.runs(s, x):   # straight through rows: no node is touched
            if first >= self.layer[t] or self.direct(s, t):
                break
            path += [[bend, self.top(first)],
                     [bend, self.top(min(last, self.layer[t] - 1)) + self.height]]
        path.append([x[t], y[t] - half])
        return path[::-1] if turned else path

    def direct(self, s, t):
        """Whether an edge is drawn without bends, because there were too many."""
        return len(self.chains[s]) < self.layer[t] - self.layer[s]

    def runs(self, s, x):
        """The bends of a source as vertical runs: (x, first layer, last layer)."""
        if s not in self.trunks:
            found = []
            for n in self.chains[s][1:]:
                if found and abs(found[-1][0] - x[n]) <= GAP // 4:
                    found[-1][2] = self.layer[n]
                else:
                    found.append([x[n], self.layer[n], self.layer[n]])
            self.trunks[s] = found
        return self.trunks[s]

    def top(self, layer):
        """The upper edge of the nodes in a layer, in pixels."""
        return MARGIN + layer * (self.height + RISE)


def topological(fed_by, feeds):
    """An order in which sources come first; a cycle is entered at its first node."""
    missing = [len(f) for f in fed_by]
    ready = [n for n, m in enumerate(missing) if m == 0]
    done = [False] * len(missing)
    found = []
    first = 0
    while len(found) < len(missing):
        if not ready:
            while done[first]:
                first += 1
            ready = [first]
        n = ready.pop()
        if done[n]:
            continue
        done[n] = True
        found.append(n)
        for t in feeds[n]:
            missing[t] -= 1
            if missing[t] == 0:
                ready.append(t)
    return found
