"""Pictures of tensors and their history, as plain data and as text: no drawing library needed.

`graph` reads the recorded history of a tensor into a dictionary, `layout` gives every node a
place, and `svg`, `dot`, `mermaid` write it down. `storage` lays a tensor's memory open.
"""

from learntorch.viz.dot import dot
from learntorch.viz.graph import collapse, graph
from learntorch.viz.layout import layout
from learntorch.viz.mermaid import mermaid
from learntorch.viz.storage import storage
from learntorch.viz.svg import svg
from learntorch.viz.text import preview, size

__all__ = ["collapse", "dot", "graph", "layout", "mermaid", "preview", "size", "storage", "svg"]
