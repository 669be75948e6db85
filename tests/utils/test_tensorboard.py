"""Event files, read by the format's own definition: nothing of the writer's code is used here.

What is compared with was taken from PyTorch's own SummaryWriter; where TensorBoard is installed,
its reader reads the files too.
"""

import io
import math
import os
import struct
import sys
import time
import wave
import zlib

import numpy as np
import pytest

import learntorch as torch
from learntorch.utils.tensorboard import SummaryWriter

# ---- reading ------------------------------------------------------------------------------------

def crc32c(data):
    """Bit by bit, as the definition has it."""
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def checksum(data):
    crc = crc32c(data)
    return (crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF


def records(data):
    """The records of an event file, whose checksums must agree."""
    while data:
        length, of_length = struct.unpack("<QI", data[:12])
        content = data[12:12 + length]
        assert checksum(data[:8]) == of_length
        assert checksum(content) == struct.unpack("<I", data[12 + length:16 + length])[0]
        yield content
        data = data[16 + length:]


def fields(data):
    """{number: values} of a message; integers, floats and bytes as they are written."""
    found = {}
    at = 0

    def varint():
        nonlocal at
        n = shift = 0
        while True:
            byte = data[at]
            at += 1
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            value = varint()
        elif key & 7 == 1:
            value = struct.unpack("<d", data[at:at + 8])[0]
            at += 8
        elif key & 7 == 5:
            value = struct.unpack("<f", data[at:at + 4])[0]
            at += 4
        else:
            length = varint()
            value = data[at:at + length]
            assert len(value) == length
            at += length
        found.setdefault(key >> 3, []).append(value)
    return found


def inner(message, *path):
    """A field within fields."""
    for number in path:
        message = fields(message)[number][0]
    return message


def events(folder):
    """[(step, Event's fields)] of all files in a folder and below, in order."""
    files = sorted(folder.rglob("events*"), key=lambda f: (str(f.parent), f.name))
    found = [fields(r) for f in files for r in records(f.read_bytes())]
    return [(e.get(2, [0])[0], e) for e in found]


def values(folder):
    """{tag: [(step, Summary.Value's fields)]}"""
    found = {}
    for step, e in events(folder):
        for value in fields(e[5][0])[1] if 5 in e else ():
            value = fields(value)
            found.setdefault(value[1][0].decode(), []).append((step, value))
    return found


def doubles(data):
    return list(struct.unpack(f"<{len(data) // 8}d", data))


def floats(data):
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def png(data):
    """The pixels of a PNG file of 8 bits, rows of filter 0 or 2."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        content = data[at + 8:at + 8 + length]
        assert zlib.crc32(kind + content) == struct.unpack(">I", data[at + 8 + length:][:4])[0]
        if kind == b"IHDR":
            w, h, bits, color = struct.unpack(">IIBB", content[:10])
        elif kind == b"IDAT":
            packed += content
        at += 12 + length
    assert bits == 8 and kind == b"IEND"
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(h, 1 + w * channels)
    out = np.zeros((h, w * channels), np.uint8)
    for y, row in enumerate(rows):
        assert row[0] in (0, 2)
        out[y] = row[1:] + (out[y - 1] if y and row[0] else 0)
    return out.reshape(h, w, channels)


def test_the_readers_own_arithmetic():
    assert crc32c(b"123456789") == 0xE3069283       # the check value in every table of CRCs
    assert fields(b"\x08\x96\x01\x12\x02ab") == {1: [150], 2: [b"ab"]}


# ---- numbers -------------------------------------------------------------------------------------

def test_scalars(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss/train", torch.tensor(2.0 ** -step, requires_grad=True), step)
        writer.add_scalar("numpy", np.float64(0.5), 7, walltime=100.0)
        writer.add_scalar("nothing", 0.0, 1)
        writer.add_scalar("diverged", 1e300, 1)
        writer.add_scalar("diverged", -1e300, 2, new_style=True)
        writer.add_scalar("single", 0.25, 4, new_style=True)
        writer.add_scalar("double", 0.1, 4, new_style=True, double_precision=True)
        assert writer.get_logdir() == str(tmp_path)
    found = values(tmp_path)
    assert [(s, v[2][0]) for s, v in found["loss/train"]] == [(0, 1.0), (1, 0.5), (2, 0.25)]
    assert found["nothing"][0][1][2] == [0.0]           # written, though 0 is the default
    assert found["diverged"][0][1][2] == [math.inf]
    assert struct.unpack("<f", inner(found["diverged"][1][1][8][0], 5))[0] == -math.inf
    assert struct.unpack("<f", inner(found["single"][0][1][8][0], 5))[0] == 0.25
    assert struct.unpack("<d", inner(found["double"][0][1][8][0], 6))[0] == 0.1
    assert inner(found["double"][0][1][9][0], 1, 1) == b"scalars"
    first, *rest = events(tmp_path)
    assert first[1][3] == [b"brain.Event:2"]
    when = [e[1][0] for _, e in rest]
    assert when[3] == 100.0 and abs(when[0] - time.time()) < 100


def test_several_numbers_in_one_chart(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalars("group/both", {"a": 1.0, "b": torch.tensor(2)}, 1)
    for name, number in (("a", 1), ("b", 2)):
        found = values(tmp_path / f"group_both_{name}")
        assert found["group/both"][0][1][2] == [number]


def test_histograms(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("counted", torch.arange(10.0), 1, bins=5)
        writer.add_histogram("grown", torch.tensor([1, 2, 2, 3]), 2)
        writer.add_histogram("signs", torch.tensor([-1.0, 0.0, 1.0]).bfloat16(), 2)
        writer.add_histogram("few", torch.arange(100.0), 2, max_bins=5)
        writer.add_histogram_raw("raw", 0.0, 3.0, 4, 6.0, 14.0, [1, 2, 3], [1, 1, 2], 2)
        with pytest.raises(ValueError, match="The input has no element"):
            writer.add_histogram("none", torch.zeros(0), 1)
    found = {tag: fields(v[0][1][5][0]) for tag, v in values(tmp_path).items()}
    counted = found["counted"]
    assert [counted.get(n, [0])[0] for n in (1, 2, 3, 4, 5)] == [0, 9, 10, 45, 285]
    assert doubles(counted[6][0]) == pytest.approx([0, 1.8, 3.6, 5.4, 7.2, 9])
    assert doubles(counted[7][0]) == [0, 2, 2, 2, 2, 2]
    limits, counts = doubles(found["grown"][6][0]), doubles(found["grown"][7][0])
    assert limits[:2] == pytest.approx([0.917246389039776, 1.0089710279437536])     # PyTorch's
    assert np.diff(np.log(limits)) == pytest.approx(np.log(1.1))
    assert counts[:2] == [0, 1] and sum(counts) == 4 and len(counts) == len(limits)
    assert sum(doubles(found["signs"][7][0])) == 3 and found["signs"][1] == [-1]
    assert doubles(found["few"][6][0]) == pytest.approx(
        [-2.6053507516959441e-06, 1.9574385812892137e-06, 12078913.131500302])      # PyTorch's
    assert doubles(found["few"][7][0]) == [0, 1, 99]
    assert doubles(found["raw"][6][0]) == [1, 2, 3] and doubles(found["raw"][7][0]) == [1, 1, 2]


def test_precision_and_recall(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_pr_curve("pr", torch.tensor([0, 1, 1, 0, 1]),
                            torch.tensor([0.1, 0.9, 0.4, 0.6, 0.8]), 1, num_thresholds=11)
    value = values(tmp_path)["pr"][0][1]
    assert inner(value[9][0], 1, 1) == b"pr_curves" and inner(value[9][0], 1, 2) == b"\x10\x0b"
    rows = np.array(floats(inner(value[8][0], 5))).reshape(6, 11)
    assert rows[0].tolist() == [3, 3, 3, 3, 3, 2, 2, 2, 2, 1, 0]        # PyTorch's
    assert rows[1].tolist() == [2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0]
    assert np.allclose(rows[:4].sum(0), 5)
    assert rows[4, 0] == pytest.approx(0.6) and rows[5, 0] == 1


# ---- pictures, sounds, texts ------------------------------------------------------------------

RAMP = torch.arange(192).to(torch.uint8)


@pytest.mark.parametrize("order, t, wanted", [
    ("CHW", RAMP.view(3, 8, 8), RAMP.view(3, 8, 8).permute(1, 2, 0)),
    ("HWC", RAMP.view(8, 8, 3), RAMP.view(8, 8, 3)),
    ("HW", RAMP[:64].view(8, 8), RAMP[:64].view(8, 8, 1).expand(8, 8, 3)),
    ("chw", RAMP[:64].view(1, 8, 8), RAMP[:64].view(8, 8, 1).expand(8, 8, 3)),
    ("CHW", torch.linspace(-0.5, 1.5, 64).view(1, 8, 8),
     (torch.linspace(-0.5, 1.5, 64).clamp(0, 1) * 255).to(torch.uint8).view(8, 8, 1)
     .expand(8, 8, 3)),
    ("HWC", RAMP[:128].view(8, 4, 4), RAMP[:128].view(8, 4, 4))])
def test_pictures(tmp_path, order, t, wanted):
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("picture", t, 1, dataformats=order)
    value = fields(values(tmp_path)["picture"][0][1][4][0])
    assert [value[n][0] for n in (1, 2, 3)] == list(wanted.shape)
    assert png(value[4][0]).tolist() == wanted.tolist()


def test_a_grid_of_pictures(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_images("grid", torch.arange(10).to(torch.uint8).view(10, 1, 1, 1)
                          .expand(10, 1, 2, 3).clone(), 1)
    drawn = png(fields(values(tmp_path)["grid"][0][1][4][0])[4][0])[:, :, 0]
    assert drawn.shape == (4, 24)
    assert drawn[::2, ::3].tolist() == [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 0, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize("order, t", [("HW", RAMP.view(3, 8, 8)), ("CHH", RAMP.view(3, 8, 8))])
def test_pictures_that_are_not_what_they_are_said_to_be(tmp_path, order, t):
    with SummaryWriter(tmp_path) as writer, pytest.raises(AssertionError, match="input format are"):
        writer.add_image("picture", t, dataformats=order)


def test_sounds_texts_and_tensors(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_audio("tone", torch.tensor([[0.0, 0.5, -2.0]]), 1, sample_rate=8000)
        writer.add_text("note", "**bold** ü", 1)
        writer.add_tensor("weights", torch.arange(6.0).view(2, 3), 2)
    found = {tag: v[0][1] for tag, v in values(tmp_path).items()}
    sound = fields(found["tone"][6][0])
    assert (sound[1], sound[2], sound[3], sound[5]) == ([8000], [1], [3], [b"audio/wav"])
    with wave.open(io.BytesIO(sound[4][0])) as file:
        assert struct.unpack("<3h", file.readframes(3)) == (0, 16383, -32767)
    note = found["note/text_summary"]
    assert inner(note[8][0], 8).decode() == "**bold** ü" and inner(note[9][0], 1, 1) == b"text"
    weights = fields(found["weights"][8][0])
    assert floats(weights[5][0]) == [0, 1, 2, 3, 4, 5]
    assert [inner(d, 1) for d in fields(weights[2][0])[2]] == [2, 3]


def test_figures(tmp_path):
    """Anything that saves itself as PNG; matplotlib is not asked for."""
    class Figure:
        def savefig(self, file, format):
            assert format == "png"
            file.write(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 5, 7))

    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("one", Figure(), 1)
        writer.add_figure("two", [Figure(), Figure()], 1)
    found = values(tmp_path)
    assert set(found) == {"one", "two/0", "two/1"}
    assert [inner(found["one"][0][1][4][0], n) for n in (1, 2)] == [7, 5]


# ---- models and runs -----------------------------------------------------------------------------

def test_settings_of_a_run(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_hparams({"lr": 0.1, "opt": "adam", "deep": True, "n": torch.tensor(3)},
                           {"acc": 0.9, "loss": torch.tensor(0.5)}, {"lr": [0.1, 0.2]},
                           run_name="first", global_step=5)
        with pytest.raises(ValueError, match="value should be one of int, float, str, bool"):
            writer.add_hparams({"lr": None}, {})
        with pytest.raises(TypeError, match="hparam_dict should be a dictionary"):
            writer.add_hparams([1], {})
    found = {tag: v[0] for tag, v in values(tmp_path / "first").items()}
    told = {tag: inner(v[9][0], 1, 2) for tag, (_, v) in found.items() if 9 in v}
    infos = [fields(i) for i in fields(inner(told["_hparams_/experiment"], 2))[4]]
    assert [(i[1][0], i[4][0]) for i in infos] == [(b"lr", 3), (b"opt", 1), (b"deep", 3), (b"n", 3)]
    domain = [fields(v)[2][0] for v in fields(infos[0][5][0])[1]]
    assert domain == [0.1, 0.2]
    metrics = fields(inner(told["_hparams_/experiment"], 2))[5]
    assert [inner(m, 1, 2) for m in metrics] == [b"acc", b"loss"]
    chosen = fields(inner(told["_hparams_/session_start_info"], 3))[1]
    assert {fields(c)[1][0]: list(fields(fields(c)[2][0]).values())[0][0] for c in chosen} == {
        b"lr": 0.1, b"opt": b"adam", b"deep": 1.0, b"n": 3.0}
    assert inner(told["_hparams_/session_end_info"], 4, 1) == 1
    assert found["acc"][0] == 5 and found["loss"][1][2] == [0.5]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(4, 3)
        self.body = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())

    def forward(self, i, scale):
        return {"y": self.body(self.words(i)) * scale}


def test_the_graph_of_a_model(tmp_path):
    net = Net()
    hooks = [dict(m._forward_hooks) for m in net.modules()]
    with SummaryWriter(tmp_path) as writer:
        writer.add_graph(net, (torch.tensor([1, 2]), torch.tensor(2.0)))
        with pytest.raises(ValueError, match="has no history"):
            writer.add_graph(torch.nn.Identity(), torch.tensor([1]))
    assert [dict(m._forward_hooks) for m in net.modules()] == hooks     # nothing stays behind
    graph = next(e[4][0] for _, e in events(tmp_path) if 4 in e)
    nodes = {}
    for node in fields(graph)[1]:
        node = fields(node)
        nodes[node[1][0].decode()] = node[2][0].decode(), [s.decode() for s in node.get(3, [])]
    by_op = {op: (name, sources) for name, (op, sources) in nodes.items()}
    name, sources = by_op["linear"]
    assert name.startswith("Net/Sequential[body]/Linear[0]/")
    assert "Net/Sequential[body]/Linear[0]/weight" in sources
    assert by_op["relu"][1] == [name]
    assert by_op["embedding"][0].startswith("Net/Embedding[words]/")
    assert by_op["mul"][0].startswith("Net/mul") and "input/1" in by_op["mul"][1]
    assert all(s in nodes for _, sources in nodes.values() for s in sources)


def test_points_for_the_projector(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_embedding(torch.arange(6.0).view(3, 2), [["a", 1], ["b", 2], ["c", 3]],
                             torch.ones(3, 1, 2, 2), 4, "points", ["name", "n"])
        with pytest.raises(AssertionError, match="#labels should equal with #data points"):
            writer.add_embedding(torch.ones(3, 2), ["a"])
    home = tmp_path / "00004" / "points"
    assert (home / "tensors.tsv").read_text() == "0.0\t1.0\n2.0\t3.0\n4.0\t5.0\n"
    assert (home / "metadata.tsv").read_text() == "name\tn\na\t1\nb\t2\nc\t3\n"
    drawn = png((home / "sprite.png").read_bytes())
    assert drawn.shape == (4, 4, 3) and drawn[:2].min() == 255 and drawn[2:, 2:].max() == 0
    config = (tmp_path / "projector_config.pbtxt").read_text()
    assert config.count("embeddings {") == 1 and '"00004/points/tensors.tsv"' in config


# ---- the file -----------------------------------------------------------------------------------

def test_when_events_reach_the_disk(tmp_path):
    writer = SummaryWriter(tmp_path, max_queue=3, filename_suffix=".mine")
    writer.add_scalar("a", 1, 1)
    writer.add_scalar("a", 1, 2)
    assert "a" not in values(tmp_path)
    writer.add_scalar("a", 1, 3)
    assert len(values(tmp_path)["a"]) == 3
    writer.add_scalar("a", 1, 4)
    writer.flush()
    assert len(values(tmp_path)["a"]) == 4
    writer.close()
    writer.add_scalar("a", 1, 5)            # as in PyTorch, a closed writer opens again
    writer.close()
    assert len(values(tmp_path)["a"]) == 5
    hasty = SummaryWriter(tmp_path / "hasty", flush_secs=0)
    hasty.add_scalar("a", 1, 1)
    assert len(values(tmp_path / "hasty")["a"]) == 1
    hasty.close()
    names = [f.name for f in tmp_path.glob("events*")]
    assert len(names) == 1 and names[0].endswith(".mine") and f".{os.getpid()}." in names[0]


def test_runs_are_kept_apart_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SummaryWriter(comment="_lr0.1") as writer:
        writer.add_scalar("a", 1)
    assert writer.log_dir.startswith("runs" + os.sep) and writer.log_dir.endswith("_lr0.1")
    assert values(tmp_path / "runs")["a"]


def test_an_earlier_run_can_be_cut_off(tmp_path):
    SummaryWriter(tmp_path, purge_step=100).close()
    step, event = events(tmp_path)[1]
    assert step == 100 and inner(event[7][0], 1) == 1       # SessionLog.START


def test_nothing_else_is_needed(tmp_path):
    """Neither TensorBoard nor any other package is imported."""
    import subprocess
    code = (f"import sys\nsys.path.insert(0, {os.getcwd()!r})\n"
            "from learntorch.utils.tensorboard import SummaryWriter\n"
            f"w = SummaryWriter({str(tmp_path)!r})\nw.add_scalar('a', 1)\nw.close()\n"
            "print([m for m in ('tensorboard', 'tensorboardX', 'google', 'PIL', 'torch') "
            "if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.oracle
def test_tensorboard_reads_them(tmp_path):
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator",
                                  reason="TensorBoard is not installed")
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", 0.5, 3)
        writer.add_histogram("weights", torch.arange(10.0), 1)
        writer.add_image("digit", torch.rand(1, 8, 8), 1)
        writer.add_graph(torch.nn.Linear(1, 1), torch.ones(1, 1))
    found = reading.EventAccumulator(str(tmp_path))
    found.Reload()
    tags = found.Tags()
    assert tags["scalars"] == ["loss"] and tags["images"] == ["digit"] and tags["graph"]
    assert found.Scalars("loss")[0].value == 0.5 and found.Histograms("weights")[0].step == 1
