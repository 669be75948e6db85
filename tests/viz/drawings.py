"""Drawings made by hand: dictionaries as `viz.graph` makes them, without a library behind them."""

import random


def node(name, kind="op", **facts):
    return {"id": name, "kind": kind, "label": name, "op": "", "name": "", "shape": [2, 3],
            "dtype": "float32", "saved": [], "freed": False, "value": "", "seq": 0, "tensor": "",
            "group": "", **facts}


def edge(source, target, slot=0):
    return {"source": source, "target": target, "shape": [2, 3], "slot": slot, "param": "x",
            "output": 0}


def drawing(nodes, edges):
    """Nodes "a" (op) or "a:leaf"; edges "a-b"."""
    made = [node(*n.split(":")) for n in nodes]
    return {"nodes": made, "edges": [edge(*e.split("-")) for e in edges]}


def scattered(count, leaves, seed):
    """A drawing with `count` ops, each fed by two earlier ops or by leaves."""
    rng = random.Random(seed)
    nodes = [node(f"t{i}", "leaf") for i in range(leaves)]
    edges = []
    for i in range(count):
        nodes.append(node(f"n{i}"))
        for slot in range(2):
            back = max(0, i - 1 - int(rng.expovariate(0.3)))
            near = i and rng.random() < 0.8
            edges.append(edge(f"n{back}" if near else f"t{rng.randrange(leaves)}", f"n{i}", slot))
    return {"nodes": nodes, "edges": edges}


def residual(blocks, inside=6):
    """A chain of ops with a weight each, and a by-pass around every block."""
    nodes, edges = [], []
    before = None
    for b in range(blocks):
        for k in range(inside):
            name = f"b{b}_{k}"
            nodes += [node(name), node(f"w{b}_{k}", "leaf")]
            edges.append(edge(f"w{b}_{k}", name, 1))
            if before:
                edges.append(edge(before, name))
            before = name
        if b:
            edges.append(edge(f"b{b - 1}_{inside - 1}", before, 2))
    return {"nodes": nodes, "edges": edges}
