"""Training curves, histograms and pictures in TensorBoard's event files."""

import numpy as np

from learntorch.core.tensor import Tensor


class SummaryWriter:
    """Writes event files into `log_dir` (default: runs/ and the time and the machine's name).

    All `add_` methods take a tag, what to show and `global_step`; tensors are taken as they are,
    without their history. `flush()` puts what was added on the disk; `close()` ends the file; a
    `with` block does so by itself. Show them with `tensorboard --logdir runs`.

    Raises ImportError with the command to install tensorboardX where it is missing.
    """

    def __init__(self, log_dir=None, comment="", purge_step=None, max_queue=10, flush_secs=120,
                 filename_suffix=""):
        try:
            import tensorboardX
        except ImportError as error:
            raise ImportError("TensorBoard files are written with the package tensorboardX: "
                              "pip install tensorboardX") from error
        self._writer = tensorboardX.SummaryWriter(
            log_dir, comment, purge_step, max_queue, flush_secs, filename_suffix)
        self.log_dir = self._writer.logdir

    def get_logdir(self):
        """The folder of the event files."""
        return self.log_dir

    def add_scalar(self, tag, scalar_value, global_step=None, walltime=None, new_style=False,
                   double_precision=False):
        """One number, a point of the curve `tag`."""
        self._writer.add_scalar(tag, float(plain(scalar_value)), global_step, walltime)

    def add_scalars(self, main_tag, tag_scalar_dict, global_step=None, walltime=None):
        """Several numbers, points of curves in one chart."""
        numbers = {k: float(plain(v)) for k, v in tag_scalar_dict.items()}
        self._writer.add_scalars(main_tag, numbers, global_step, walltime)

    def add_histogram(self, tag, values, global_step=None, bins="tensorflow", walltime=None,
                      max_bins=None):
        """How the numbers of a tensor are distributed."""
        self._writer.add_histogram(tag, plain(values), global_step, bins, walltime, max_bins)

    def add_image(self, tag, img_tensor, global_step=None, walltime=None, dataformats="CHW"):
        """One picture: floats from 0 to 1, or uint8 from 0 to 255."""
        self._writer.add_image(tag, plain(img_tensor), global_step, walltime, dataformats)

    def add_images(self, tag, img_tensor, global_step=None, walltime=None, dataformats="NCHW"):
        """Several pictures, shown in a grid."""
        self._writer.add_images(tag, plain(img_tensor), global_step, walltime, dataformats)

    def add_figure(self, tag, figure, global_step=None, close=True, walltime=None):
        """A matplotlib figure."""
        self._writer.add_figure(tag, figure, global_step, close, walltime)

    def add_text(self, tag, text_string, global_step=None, walltime=None):
        """A text in Markdown."""
        self._writer.add_text(tag, text_string, global_step, walltime)

    def add_embedding(self, mat, metadata=None, label_img=None, global_step=None, tag="default",
                      metadata_header=None):
        """Points in a space of many dimensions, (N, D), for the projector."""
        self._writer.add_embedding(plain(mat), metadata, label_img if label_img is None
                                   else plain(label_img), global_step, tag, metadata_header)

    def add_pr_curve(self, tag, labels, predictions, global_step=None, num_thresholds=127,
                     weights=None, walltime=None):
        """Precision against recall for true labels (N) and predicted probabilities (N)."""
        self._writer.add_pr_curve(tag, plain(labels), plain(predictions), global_step,
                                  num_thresholds, weights if weights is None else plain(weights),
                                  walltime)

    def add_hparams(self, hparam_dict, metric_dict, hparam_domain_discrete=None, run_name=None,
                    global_step=None):
        """The settings of a run and what it reached, a row of the table of runs."""
        settings = {k: plain(v) for k, v in hparam_dict.items()}
        reached = {k: float(plain(v)) for k, v in metric_dict.items()}
        self._writer.add_hparams(settings, reached, run_name, global_step)

    def add_graph(self, model, input_to_model=None, verbose=False, use_strict_trace=True):
        """Not here: the graph is shown by `course.widgets.explore(model(x))` or `learntorch.viz`.

        Raises NotImplementedError, which says so.
        """
        raise NotImplementedError("add_graph needs PyTorch's tracer. To see the graph, use "
                                  "course.widgets.explore(model(x)), or learntorch.viz for a file.")

    def flush(self):
        """Put everything added so far on the disk."""
        self._writer.flush()

    def close(self):
        """End the files."""
        self._writer.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.close()


def plain(value):
    """A tensor as a NumPy array that tensorboardX can hold; anything else as it is."""
    if not isinstance(value, Tensor):
        return value
    a = value._data
    if a.ndim == 0:
        return a.item()
    return a.astype(np.float32) if a.dtype.kind == "V" or a.dtype.itemsize == 2 else a
