"""torch.backends.cuda: how a GPU multiplies matrices and computes attention. There is none here."""


class Products:
    """Switches of matrix products: how far they may be rounded."""

    def __init__(self):
        self.allow_tf32 = False
        self.allow_fp16_reduced_precision_reduction = True
        self.allow_bf16_reduced_precision_reduction = True
        self.allow_fp16_accumulation = False
        self.fp32_precision = "none"


matmul = Products()
ATTENTION = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def is_built():
    """Whether this library was built for GPUs."""
    return False


def enable_flash_sdp(enabled):
    """Allow attention computed block by block in fast memory."""
    ATTENTION["flash"] = enabled


def enable_mem_efficient_sdp(enabled):
    """Allow attention that never holds all weights."""
    ATTENTION["mem_efficient"] = enabled


def enable_math_sdp(enabled):
    """Allow attention computed as it is defined."""
    ATTENTION["math"] = enabled


def enable_cudnn_sdp(enabled):
    """Allow cuDNN's attention."""
    ATTENTION["cudnn"] = enabled


def flash_sdp_enabled():
    """Whether enable_flash_sdp allowed it."""
    return ATTENTION["flash"]


def mem_efficient_sdp_enabled():
    """Whether enable_mem_efficient_sdp allowed it."""
    return ATTENTION["mem_efficient"]


def math_sdp_enabled():
    """Whether enable_math_sdp allowed it."""
    return ATTENTION["math"]


def cudnn_sdp_enabled():
    """Whether enable_cudnn_sdp allowed it."""
    return ATTENTION["cudnn"]
