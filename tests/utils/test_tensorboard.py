"""Event files: written here, read by the format's own definition."""

import pytest

import learntorch as torch
from learntorch.utils.tensorboard import SummaryWriter

pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")


def values(folder):
    """(step, tag, kind of value, number) of everything in the event files of a folder."""
    from tensorboardX.proto.event_pb2 import Event
    found = []
    for file in sorted(folder.rglob("events*")):
        data = file.read_bytes()
        while data:
            n = int.from_bytes(data[:8], "little")
            event = Event.FromString(data[12:12 + n])
            data = data[16 + n:]
            found += [(event.step, v.tag, v.WhichOneof("value"), v.simple_value)
                      for v in event.summary.value]
    return found


def test_scalars_histograms_pictures_and_texts(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss", torch.tensor(2.0 ** -step, requires_grad=True), step)
        writer.add_histogram("weights", torch.arange(10.0), 1)
        writer.add_image("digit", torch.rand(1, 8, 8), 1)
        writer.add_images("digits", torch.rand(4, 1, 8, 8), 1)
        writer.add_text("note", "**bold**", 1)
        writer.add_scalars("both", {"a": 1.0, "b": torch.tensor(2)}, 1)
    found = values(tmp_path)
    assert [(s, v) for s, tag, _, v in found if tag == "loss"] == [(0, 1.0), (1, 0.5), (2, 0.25)]
    kinds = {tag: kind for _, tag, kind, _ in found}
    assert kinds["weights"] == "histo"
    assert kinds["digit"] == kinds["digits"] == "image"
    assert any(tag.startswith("note") for tag in kinds)


def test_the_graph_is_elsewhere(tmp_path):
    with SummaryWriter(tmp_path) as writer, pytest.raises(NotImplementedError, match="explore"):
        writer.add_graph(torch.nn.Linear(1, 1), torch.ones(1, 1))
