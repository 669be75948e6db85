"""The old spelling of a loss's `reduction`."""

import warnings


def legacy_get_string(size_average, reduce, emit_warning=True):
    """"mean", "sum" or "none" from the deprecated flags `size_average` and `reduce`."""
    size_average = True if size_average is None else size_average
    reduce = True if reduce is None else reduce
    if size_average and reduce:
        reduction = "mean"
    elif reduce:
        reduction = "sum"
    else:
        reduction = "none"
    if emit_warning:
        warnings.warn("size_average and reduce args will be deprecated, please use "
                      f"reduction='{reduction}' instead.", stacklevel=4)
    return reduction
