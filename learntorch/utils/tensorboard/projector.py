"""Points in many dimensions for TensorBoard's projector: tables of text and a list of them."""

import os

import numpy as np

from learntorch.utils.tensorboard.summaries import in_bytes, png


def save(folder, points, metadata=None, pictures=None, step=None, tag="default", header=None):
    """Write (n, d) points, a label for each, and a picture (n, c, h, w) for each, into `folder`.

    Raises AssertionError where their numbers differ.
    """
    points = np.asarray(points)
    part = f"{0 if step is None else step:05d}/{tag}"
    home = os.path.join(folder, part)
    os.makedirs(home, exist_ok=True)
    lines = [f'  tensor_name: "{tag}:{0 if step is None else step:05d}"']
    if metadata is not None:
        if len(metadata) != len(points):
            raise AssertionError("#labels should equal with #data points")
        write_rows(os.path.join(home, "metadata.tsv"), metadata, header)
        lines.append(f'  metadata_path: "{part}/metadata.tsv"')
    if pictures is not None:
        if len(pictures) != len(points):
            raise AssertionError("#images should equal with #data points")
        with open(os.path.join(home, "sprite.png"), "wb") as file:
            file.write(png(sprite(np.asarray(pictures))))
        h, w = pictures.shape[2:]
        lines += ["  sprite {", f'    image_path: "{part}/sprite.png"',
                  f"    single_image_dim: {w}", f"    single_image_dim: {h}", "  }"]
    if points.ndim != 2:
        raise AssertionError("mat should be 2D, where mat.size(0) is the number of data points")
    write_rows(os.path.join(home, "tensors.tsv"), points.tolist())
    lines.append(f'  tensor_path: "{part}/tensors.tsv"')
    with open(os.path.join(folder, "projector_config.pbtxt"), "a", encoding="utf-8") as file:
        file.write("embeddings {\n" + "\n".join(lines) + "\n}\n")


def write_rows(path, rows, header=None):
    """A table: columns apart by tabs, a row a line."""
    rows = [row if isinstance(row, list | tuple) else [row] for row in rows]
    with open(path, "w", encoding="utf-8") as file:
        for row in ([header] if header else []) + rows:
            file.write("\t".join(str(x) for x in row) + "\n")


def sprite(pictures):
    """All pictures (n, c, h, w) on one square, row by row; floats from 0 to 1 as bytes."""
    n, c, h, w = pictures.shape
    side = int(np.ceil(np.sqrt(n)))
    full = np.zeros((side * side, c, h, w), np.uint8)
    full[:n] = in_bytes(pictures)
    a = full.reshape(side, side, c, h, w).transpose(0, 3, 1, 4, 2).reshape(side * h, side * w, c)
    return np.repeat(a, 3, 2) if c == 1 else a
