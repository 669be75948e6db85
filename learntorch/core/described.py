"""What `help()` says beside an op's own sentences: shapes, dtypes and errors, from its record."""

SHAPE_WORDS = ("shape", "Shape", "→", "broadcast")
DIMENSIONS = {"dim", "dim0", "dim1", "dim2", "axis", "axis0", "axis1", "start_dim"}


def described(op, doc):
    """`doc` with what the record adds to it; what it says already is not said again."""
    if doc is None:
        return None
    said = [sentence for words, sentence in sentences(op)
            if not any(word in doc for word in words)]
    if not said:
        return doc
    return f"{doc.rstrip()}\n\n    " + "\n    ".join(said) + "\n    "


def sentences(op):
    """(words that make it superfluous, sentence) for what the record knows of an op."""
    if op.kind == "unary":
        yield SHAPE_WORDS, "Shapes: any; the result has that of the input."
    if op.kind == "binary":
        yield SHAPE_WORDS, "Shapes: any two that broadcast."
    if op.result == "float":
        yield ("nteger", "hole number"), "Integers come in the default floating-point dtype."
    if op.result == "bool" and op.kind in ("unary", "binary"):
        yield ("Whether", "bool"), "The result is of bools."
    if op.kind == "view" or op.views:
        yield ("memory", "view"), "The result looks at the memory of the input."
    if op.kind == "binary":
        yield ("Raises RuntimeError",), ("Raises RuntimeError for shapes that do not broadcast."
                                         if op.numbers else
                                         "Raises RuntimeError for shapes that do not broadcast, "
                                         "TypeError for a number.")
    if op.same_dtype:
        yield ("dtype",), "Raises RuntimeError unless all have one dtype."
    if op.refuses:
        yield ("NotImplementedError", "integers"), "Raises NotImplementedError for integers."
    if DIMENSIONS & set(op.names):
        yield ("IndexError",), "Raises IndexError for a dimension that is not there."
