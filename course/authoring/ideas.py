"""Which chapter explains a name: no chapter may use what a later one explains.

Chapter 00 gives an overview and is free to. A name belongs to the chapter of the longest prefix
listed here; names that are not listed belong to no chapter.
"""

from course.authoring.names import used

__all__ = ["HOMES", "early", "home"]

OVERVIEW = "00"

HOMES = {
    "torch.Tensor.numpy": 2,
    "torch.from_numpy": 2,
    "torch.as_tensor": 2,
    "torch.einsum": 3,
    "torch.bmm": 3,
    "torch.cat": 3,
    "torch.stack": 3,
    "torch.autograd": 4,
    "torch.no_grad": 4,
    "torch.enable_grad": 4,
    "torch.nn": 6,
    "torch.log_softmax": 7,
    "torch.logsumexp": 7,
    "torch.nn.BCELoss": 7,
    "torch.nn.BCEWithLogitsLoss": 7,
    "torch.nn.CrossEntropyLoss": 7,
    "torch.nn.HuberLoss": 7,
    "torch.nn.KLDivLoss": 7,
    "torch.nn.L1Loss": 7,
    "torch.nn.MSELoss": 7,
    "torch.nn.NLLLoss": 7,
    "torch.nn.SmoothL1Loss": 7,
    "torch.nn.functional.binary_cross_entropy": 7,
    "torch.nn.functional.binary_cross_entropy_with_logits": 7,
    "torch.nn.functional.cross_entropy": 7,
    "torch.nn.functional.huber_loss": 7,
    "torch.nn.functional.kl_div": 7,
    "torch.nn.functional.l1_loss": 7,
    "torch.nn.functional.log_softmax": 7,
    "torch.nn.functional.mse_loss": 7,
    "torch.nn.functional.nll_loss": 7,
    "torch.nn.functional.one_hot": 7,
    "torch.nn.functional.smooth_l1_loss": 7,
    "torch.softmax": 7,
    "torch.optim": 8,
    "torch.nn.utils.clip_grad_norm_": 8,
    "torch.nn.utils.clip_grads_with_norm_": 9,
    "torch.inference_mode": 10,
    "torch.utils.data": 11,
    "torch.nn.Conv1d": 12,
    "torch.nn.Conv2d": 12,
    "torch.nn.MaxPool2d": 12,
    "torch.nn.functional.conv2d": 12,
    "torch.nn.functional.max_pool2d": 12,
    "torch.nn.AdaptiveAvgPool2d": 13,
    "torch.nn.BatchNorm2d": 13,
    "torch.nn.GELU": 13,
    "torch.nn.LayerNorm": 13,
    "torch.nn.functional.batch_norm": 13,
    "torch.nn.functional.gelu": 13,
    "torch.nn.functional.layer_norm": 13,
    "torch.load": 14,
    "torch.save": 14,
    "torch.serialization": 14,
    "torch.cuda": 16,
    "torch.nn.GRU": 17,
    "torch.nn.LSTM": 17,
    "torch.nn.RNN": 17,
    "torch.nn.Embedding": 18,
    "torch.multinomial": 18,
    "torch.nn.MultiheadAttention": 19,
    "torch.nn.Transformer": 19,
    "torch.nn.functional.scaled_dot_product_attention": 19,
    "torch.multiprocessing": 21,
    "torch.distributed": 22,
    "torch.nn.parallel": 22,
    "torch.compile": 23,
    "torch.export": 23,
    "torch.jit": 23,
    "torch.onnx": 24,
}


def home(name):
    """The number of the chapter that explains a dotted name; 0 if none does."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        prefix = ".".join(parts[:cut])
        if prefix in HOMES:
            return HOMES[prefix]
    return 0


def early(notebook, chapter):
    """Names a chapter uses before the chapter that explains them, in sentences."""
    if chapter.startswith(OVERVIEW):
        return []
    number = int(chapter[:2])
    return [
        f"{name} is explained in chapter {home(name):02d}"
        for name in used(notebook)
        if home(name) > number
    ]
