"""Keyword names that PyTorch takes although its documentation writes others.

`help()` shows the documented ones. Of each op here: the other name → the parameter it stands for;
"*" stands for the next argument by position.
"""

from learntorch.core.record import registry

SECTIONS = dict.fromkeys(("sections", "indices", "tensor_indices_or_sections"),
                         "indices_or_sections")
OTHERS = {
    "broadcast_to": {"size": "shape"},
    "cholesky_inverse": {"input": "L"},
    "cholesky_solve": {"input": "B", "input2": "L"},
    "dsplit": SECTIONS,
    "hsplit": SECTIONS,
    "isin": {"element": "elements", "test_element": "test_elements"},
    "linalg.lstsq": {"b": "B"},
    "linalg.tensorsolve": {"other": "B"},
    "linalg.vector_norm": {"input": "x"},
    "lu_solve": {"input": "b"},
    "matrix_exp": {"input": "A"},
    "ormqr": {"input2": "tau", "input3": "other"},
    "orgqr": {"input2": "tau"},
    "polygamma": {"n": "*"},
    "repeat": {"repeats": "*"},
    "searchsorted": {"input": "values"},
    "sum_to_size": {"size": "*"},
    "tensor_split": SECTIONS,
    "triangular_solve": {"input": "b"},
    "unsafe_split": {"input": "tensor", "split_size": "split_size_or_sections"},
    "vsplit": SECTIONS,
    **dict.fromkeys(("airy_ai", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1",
                     "spherical_bessel_j0"),
                    {"x": "input"}),
    **dict.fromkeys((f"{kind}_polynomial_{letter}" for kind, letters in (
        ("chebyshev", "tuvw"), ("shifted_chebyshev", "tuvw"), ("hermite", ("h", "he")),
        ("laguerre", "l"), ("legendre", "p")) for letter in letters),
        {"x": "input", "n": "other"}),
}


def attach_spellings():
    """Put the other names on the public functions of all ops in the table."""
    for key, names in OTHERS.items():
        call = registry[key]
        call.op.public = spelled(call.op.public or call, names)


def spelled(function, names):
    """`function`, which takes its parameters under the other names too."""
    def call(*args, **named):
        for name in names.keys() & named.keys():
            value = named.pop(name)
            if names[name] == "*":
                args = (*args, value)
            else:
                named[names[name]] = value
        return function(*args, **named)
    call.__dict__.update(function.__dict__)
    call.__wrapped__ = function                 # whose signature `help()` shows
    for word in ("__name__", "__qualname__", "__doc__", "__module__"):
        setattr(call, word, getattr(function, word))
    return call
