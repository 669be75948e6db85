"""What TensorBoard shows, as messages: numbers, distributions, pictures, sounds, texts, settings.

Each function returns the field of an Event that holds one Summary. The names of the messages, in
comments, are those of TensorFlow's and TensorBoard's .proto files.
"""

import io
import struct
import zlib

import numpy as np

from learntorch.utils.tensorboard import wire

FLOAT, DOUBLE, STRING = 1, 2, 7             # DataType of a TensorProto
LEAST = 1e-7                                # below it a count is no count


def summary(tag, value=b"", plugin=None, content=b""):
    """Event.summary with one Summary.Value; `plugin` is the part of TensorBoard that shows it."""
    told = b""
    if plugin is not None:
        told = wire.block(9, wire.block(1, wire.text(1, plugin) + wire.text(2, content)))
    return wire.block(5, wire.block(1, wire.text(1, tag) + value + told))


def tensor(kind, shape, content):
    """Summary.Value.tensor: a TensorProto. `shape` None: it says none."""
    sizes = b"" if shape is None else wire.block(
        2, b"".join(wire.block(2, wire.integer(1, n)) for n in shape))
    return wire.block(8, wire.integer(1, kind) + sizes + content)


def scalar(tag, value, new_style=False, double_precision=False):
    """One number."""
    if not new_style:
        return summary(tag, wire.varint(2 << 3 | 5) + float32(value))
    if double_precision:
        return summary(tag, tensor(DOUBLE, None, wire.numbers(6, [value])), "scalars")
    return summary(tag, tensor(FLOAT, None, wire.block(5, float32(value))), "scalars")


def float32(value):
    """Four bytes; what is too large for them becomes an infinity."""
    with np.errstate(over="ignore"):
        return np.asarray(value, "<f4").tobytes()


def numbers(tag, array):
    """A whole array of float32."""
    a = np.asarray(array, np.float32)
    return summary(tag, tensor(FLOAT, a.shape, wire.block(5, a.astype("<f4").tobytes())), "tensor")


def words(tag, value):
    """A text in Markdown."""
    content = wire.block(8, value)
    return summary(f"{tag}/text_summary", tensor(STRING, (1,), content), "text")


# ---- distributions -------------------------------------------------------------------------------


def default_edges():
    """Edges that grow by a tenth from 10⁻¹² to 10²⁰, for both signs, and 0."""
    edges = []
    edge = 1e-12
    while edge < 1e20:
        edges.append(edge)
        edge *= 1.1
    return [-e for e in reversed(edges)] + [0.0] + edges


def histogram(tag, values, bins="tensorflow", max_bins=None):
    """How many values lie in each bin. `bins`: as np.histogram takes them, or "tensorflow".

    Raises ValueError where there are no values.
    """
    a = np.asarray(values, np.float64).reshape(-1)
    if not a.size:
        raise ValueError("The input has no element.")
    counts, edges = np.histogram(a, default_edges() if bins == "tensorflow" else bins)
    if max_bins is not None and len(counts) > max_bins:
        counts, edges = joined(counts, edges, len(counts) // max_bins)
    met = np.flatnonzero(counts)
    if not met.size:
        raise ValueError("The histogram is empty, please file a bug report. No value lies within "
                         "its bins.")
    first, last = met[0], met[-1]
    before = counts[first - 1] if first else 0      # one empty bin shows where the values begin
    return histogram_raw(tag, a.min(), a.max(), a.size, a.sum(), a.dot(a),
                         edges[first:last + 2], [before, *counts[first:last + 1]])


def joined(counts, edges, n):
    """Each n bins made one; the last may be of fewer."""
    filled = np.pad(counts, (0, -len(counts) % n))
    return filled.reshape(-1, n).sum(1), np.append(edges[:-1:n], edges[-1])


def histogram_raw(tag, least, most, count, total, squares, limits, counts):
    """A distribution that is counted already: HistogramProto. `limits` are upper edges."""
    content = (wire.double(1, least) + wire.double(2, most) + wire.double(3, count)
               + wire.double(4, total) + wire.double(5, squares)
               + wire.numbers(6, [float(x) for x in limits])
               + wire.numbers(7, [float(x) for x in counts]))
    return summary(tag, wire.block(5, content))


def pr_curve(tag, labels, predictions, thresholds=127, weights=None):
    """Precision and recall at equally far thresholds from 0 to 1; labels are 0 or 1."""
    labels, predictions = (np.asarray(a).reshape(-1) for a in (labels, predictions))
    weights = 1.0 if weights is None else np.asarray(weights, np.float64)
    n = min(thresholds, 127)
    bucket = np.floor(predictions * (n - 1)).astype(np.int64)
    true = np.bincount(bucket, labels * weights, n)
    false = np.bincount(bucket, (1 - labels) * weights, n)
    tp, fp = true[::-1].cumsum()[::-1], false[::-1].cumsum()[::-1]
    tn, fn = fp[0] - fp, tp[0] - tp
    precision = tp / np.maximum(LEAST, tp + fp)
    recall = tp / np.maximum(LEAST, tp + fn)
    return pr_curve_raw(tag, (tp, fp, tn, fn, precision, recall), n)


def pr_curve_raw(tag, rows, n):
    """A curve that is counted already: true positives, false positives, true negatives, false
    negatives, precision, recall."""
    a = np.stack([np.asarray(row, np.float32) for row in rows])
    content = wire.block(5, a.astype("<f4").tobytes())
    return summary(tag, tensor(FLOAT, a.shape, content), "pr_curves", wire.integer(2, n))


# ---- pictures and sounds -----------------------------------------------------------------------


def image(tag, array, order):
    """One picture; `order` names the dimensions, as "CHW", "HWC", "HW", "NCHW", "NHWC"."""
    a = pixels(np.asarray(array), order.upper())
    h, w, c = a.shape
    return picture(tag, h, w, c, png(in_bytes(a)))


def in_bytes(a):
    """Pixels from 0 to 1 as whole numbers from 0 to 255; uint8 as it is."""
    if a.dtype == np.uint8:
        return a
    return np.clip(a.astype(np.float32) * 255, 0, 255).astype(np.uint8)


def picture(tag, height, width, channels, encoded):
    """A picture that is a file already: Summary.Image."""
    return summary(tag, wire.block(4, wire.integer(1, height) + wire.integer(2, width)
                                   + wire.integer(3, channels) + wire.block(4, encoded)))


def pixels(a, order):
    """An array of pixels as (height, width, 3 or 4); several pictures side by side.

    Raises AssertionError where the order does not name each dimension once.
    """
    if len(order) != a.ndim or len(set(order)) != len(order) or not set(order) <= set("NCHW"):
        raise AssertionError(f"size of input tensor and input format are different. tensor shape: "
                             f"{a.shape}, input_format: {order}")
    a = a.transpose([order.index(d) for d in "NHWC" if d in order])
    if "C" not in order:
        a = a[..., None]
    if "N" in order:
        a = grid(a)
    return np.repeat(a, 3, 2) if a.shape[2] == 1 else a


def grid(a, columns=8):
    """(n, h, w, c) → one picture with up to 8 in a row, black where there are none."""
    n, h, w, c = a.shape
    columns = min(n, columns)
    rows = -(-n // columns)
    filled = np.concatenate([a, np.zeros((rows * columns - n, h, w, c), a.dtype)])
    return filled.reshape(rows, columns, h, w, c).swapaxes(1, 2).reshape(rows * h, columns * w, c)


def png(a):
    """The PNG file of uint8 pixels (height, width, 1 to 4 channels).

    Each row begins with 2, "what is added to the row above it": pictures are smooth, and small
    differences pack well. Source: W3C, "Portable Network Graphics".
    """
    h, w, c = a.shape
    rows = np.full((h, 1 + w * c), 2, np.uint8)
    rows[:, 1:] = np.diff(a.reshape(h, w * c), axis=0, prepend=np.zeros((1, w * c), np.uint8))
    head = struct.pack(">IIBBBBB", w, h, 8, {1: 0, 2: 4, 3: 2, 4: 6}[c], 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
            + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b""))


def chunk(kind, data):
    """One part of a PNG file, with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def audio(tag, samples, rate):
    """A sound from −1 to 1, as a WAV file of 16 bits: Summary.Audio."""
    import wave
    a = np.clip(np.asarray(samples, np.float64).reshape(-1), -1, 1)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((a * 32767).astype("<i2").tobytes())
    content = (wire.single(1, rate) + wire.integer(2, 1) + wire.integer(3, a.size)
               + wire.block(4, file.getvalue()) + wire.block(5, "audio/wav"))
    return summary(tag, wire.block(6, content))


# ---- settings of a run -------------------------------------------------------------------------


def hparams(settings, metrics, choices=None):
    """The three summaries of a run: what can be set, what was set, and that it ended well.

    Raises TypeError for what is no dict, ValueError for a setting that is no number, text or truth.
    """
    choices = choices or {}
    for what, given in (("hparam_dict", settings), ("metric_dict", metrics)):
        if not isinstance(given, dict):
            raise TypeError(f"{what} should be a dictionary: {{name: value}}")
    infos, chosen = b"", b""
    for name, value in settings.items():
        info = wire.text(1, name) + wire.integer(4, 1 if isinstance(value, str) else 3)
        if name in choices:
            info += wire.block(5, b"".join(wire.block(1, setting(v)) for v in choices[name]))
        infos += wire.block(4, info)
        chosen += wire.block(1, wire.block(1, name) + wire.block(2, setting(value)))
    reached = b"".join(wire.block(5, wire.block(1, wire.text(2, name))) for name in metrics)
    parts = (("experiment", wire.block(2, infos + reached)),
             ("session_start_info", wire.block(3, chosen)),
             ("session_end_info", wire.block(4, wire.integer(1, 1))))        # STATUS_SUCCESS
    return [summary(f"_hparams_/{name}", plugin="hparams", content=content)
            for name, content in parts]


def setting(value):
    """A google.protobuf.Value."""
    if isinstance(value, str):
        return wire.block(3, value)
    if isinstance(value, int | float | np.number):
        return wire.varint(2 << 3 | 1) + struct.pack("<d", float(value))
    raise ValueError("value should be one of int, float, str, bool, or torch.Tensor, not "
                     f"{type(value).__name__}")
