"""Training curves, histograms and pictures in TensorBoard's event files."""

import os
import time

import numpy as np

from learntorch.core.tensor import Tensor
from learntorch.utils.tensorboard import summaries, wire
from learntorch.utils.tensorboard.records import EventFile


class SummaryWriter:
    """Writes event files into `log_dir` (default: runs/ and the time and the machine's name).

    All `add_` methods take a tag, what to show and `global_step`; tensors are taken as they are,
    without their history. `max_queue` events or `flush_secs` seconds later, and by `flush()`, they
    are on the disk; `close()` ends the file; a `with` block does so by itself. `purge_step`: what
    an earlier run wrote from this step on is not shown any more. Show them with
    `tensorboard --logdir runs`.
    """

    def __init__(self, log_dir=None, comment="", purge_step=None, max_queue=10, flush_secs=120,
                 filename_suffix=""):
        if not log_dir:
            import socket
            now = time.strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")
        self.log_dir = os.fspath(log_dir)
        self._options = filename_suffix, max_queue, flush_secs
        self._files = {}
        self._main = self._file(self.log_dir)
        if purge_step is not None:
            self._main.add(wire.block(7, wire.integer(1, 1)), purge_step)      # SessionLog.START

    def _file(self, folder):
        if folder not in self._files:
            self._files[folder] = EventFile(folder, *self._options)
        return self._files[folder]

    def get_logdir(self):
        """The folder of the event files."""
        return self.log_dir

    # ---- numbers --------------------------------------------------------------------------

    def add_scalar(self, tag, scalar_value, global_step=None, walltime=None, new_style=False,
                   double_precision=False):
        """One number, a point of the curve `tag`."""
        content = summaries.scalar(tag, one(scalar_value), new_style, double_precision)
        self._main.add(content, global_step, walltime)

    def add_scalars(self, main_tag, tag_scalar_dict, global_step=None, walltime=None):
        """Several numbers, points of curves in one chart; each has a folder of its own."""
        for tag, value in tag_scalar_dict.items():
            file = self._file(f"{self.log_dir}/{main_tag.replace('/', '_')}_{tag}")
            file.add(summaries.scalar(main_tag, one(value)), global_step, walltime)

    def add_tensor(self, tag, tensor, global_step=None, walltime=None):
        """A whole tensor, as float32."""
        self._main.add(summaries.numbers(tag, plain(tensor)), global_step, walltime)

    def add_histogram(self, tag, values, global_step=None, bins="tensorflow", walltime=None,
                      max_bins=None):
        """How the numbers of a tensor are distributed. `bins`: as NumPy's histogram takes them, or
        "tensorflow": widths that grow by a tenth."""
        content = summaries.histogram(tag, plain(values), bins, max_bins)
        self._main.add(content, global_step, walltime)

    def add_histogram_raw(self, tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts,
                          global_step=None, walltime=None):
        """A distribution that is counted already; `bucket_limits` are the upper edges."""
        if len(bucket_limits) != len(bucket_counts):
            raise ValueError("len(bucket_limits) != len(bucket_counts), see the document.")
        content = summaries.histogram_raw(tag, min, max, num, sum, sum_squares, bucket_limits,
                                          bucket_counts)
        self._main.add(content, global_step, walltime)

    def add_pr_curve(self, tag, labels, predictions, global_step=None, num_thresholds=127,
                     weights=None, walltime=None):
        """Precision against recall for true labels (N) and predicted probabilities (N)."""
        content = summaries.pr_curve(tag, plain(labels), plain(predictions), num_thresholds,
                                     weights if weights is None else plain(weights))
        self._main.add(content, global_step, walltime)

    # ---- pictures, sounds, texts ------------------------------------------------------------

    def add_image(self, tag, img_tensor, global_step=None, walltime=None, dataformats="CHW"):
        """One picture: floats from 0 to 1, or uint8 from 0 to 255."""
        self._main.add(summaries.image(tag, plain(img_tensor), dataformats), global_step, walltime)

    def add_images(self, tag, img_tensor, global_step=None, walltime=None, dataformats="NCHW"):
        """Several pictures, shown in a grid."""
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_figure(self, tag, figure, global_step=None, close=True, walltime=None):
        """A matplotlib figure, or a list of them; they are closed then, unless `close=False`."""
        import io
        figures = figure if isinstance(figure, list) else [figure]
        for n, drawn in enumerate(figures):
            file = io.BytesIO()
            drawn.savefig(file, format="png")
            data = file.getvalue()
            w, h = (int.from_bytes(data[i:i + 4]) for i in (16, 20))
            name = tag if len(figures) == 1 else f"{tag}/{n}"
            self._main.add(summaries.picture(name, h, w, 4, data), global_step, walltime)
            if close:
                shut(drawn)

    def add_audio(self, tag, snd_tensor, global_step=None, sample_rate=44100, walltime=None):
        """A sound (1, L), from −1 to 1."""
        content = summaries.audio(tag, plain(snd_tensor), sample_rate)
        self._main.add(content, global_step, walltime)

    def add_text(self, tag, text_string, global_step=None, walltime=None):
        """A text in Markdown."""
        self._main.add(summaries.words(tag, text_string), global_step, walltime)

    # ---- models and runs --------------------------------------------------------------------

    def add_graph(self, model, input_to_model=None, verbose=False, use_strict_trace=True):
        """The operations of `model(input_to_model)` (a tensor, or a tuple of arguments), each
        within its module. Raises ValueError where the output has no history."""
        from learntorch.utils.tensorboard.graph import graph_def
        self._main.add(wire.block(4, graph_def(model, input_to_model)))

    def add_embedding(self, mat, metadata=None, label_img=None, global_step=None, tag="default",
                      metadata_header=None):
        """Points in a space of many dimensions, (N, D), for the projector; `label_img` (N, C, H, W)
        is a picture for each."""
        from learntorch.utils.tensorboard import projector
        pictures = label_img if label_img is None else plain(label_img)
        projector.save(self.log_dir, plain(mat), metadata, pictures, global_step, tag,
                       metadata_header)

    def add_hparams(self, hparam_dict, metric_dict, hparam_domain_discrete=None, run_name=None,
                    global_step=None):
        """The settings of a run and what it reached, a row of the table of runs.

        The row is a folder of its own, `run_name` (default: the time).
        """
        settings = {k: plain(v) for k, v in hparam_dict.items()} if isinstance(
            hparam_dict, dict) else hparam_dict
        contents = summaries.hparams(settings, metric_dict, hparam_domain_discrete)
        file = self._file(os.path.join(self.log_dir, run_name or str(time.time())))
        for content in contents:
            file.add(content, global_step)
        for name, value in metric_dict.items():
            file.add(summaries.scalar(name, one(value)), global_step)
        file.close()

    # ---- the files --------------------------------------------------------------------------

    def flush(self):
        """Put everything added so far on the disk."""
        for file in self._files.values():
            file.flush()

    def close(self):
        """End the files; what is added later opens them again."""
        for file in self._files.values():
            file.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.close()


def plain(value):
    """A tensor as a NumPy array that files can hold; anything else as it is."""
    if not isinstance(value, Tensor):
        return value
    a = value._data
    if a.ndim == 0:
        return a.item()
    return a.astype(np.float32) if a.dtype.kind == "V" or a.dtype.itemsize == 2 else a


def one(value):
    """A tensor or array of one element, or a number, as a Python float.

    Raises AssertionError for more of them.
    """
    value = plain(value)
    if isinstance(value, np.ndarray):
        if value.size != 1:
            raise AssertionError(f"scalar should be 0D: this has {value.size} elements")
        value = value.item()
    return float(value)


def shut(figure):
    """Close a figure of matplotlib, which otherwise keeps all figures."""
    import sys
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)
