"""Transforms of boxes: their format, what lies outside the image, and boxes that are none."""

from learntorch.core.pytree import tree_flatten, tree_unflatten
from learntorch.core.tensor import Tensor
from learntorch.vision.transforms import on_boxes
from learntorch.vision.transforms.v2.samples import find_labels
from learntorch.vision.transforms.v2.transform import Transform, is_plain, whole
from learntorch.vision.tv_tensors import BoundingBoxes, BoundingBoxFormat, Mask, format_of, wrap

UNSAID = "auto"


def convert_bounding_box_format(inpt, old_format=None, new_format=None, inplace=False):
    """Boxes in another format; a plain tensor needs `old_format`. Raises ValueError, TypeError.

    `inplace` is there for torchvision's sake: the result is always new.
    """
    if new_format is None:
        raise TypeError("convert_bounding_box_format() missing 1 required argument: 'new_format'")
    new = format_of(new_format)
    if is_plain(inpt):
        if old_format is None:
            raise ValueError("For pure tensor inputs, `old_format` has to be passed.")
        return on_boxes.converted(inpt, format_of(old_format), new)
    must_be_boxes(inpt)
    if old_format is not None:
        raise ValueError("For bounding box tv_tensor inputs, `old_format` must not be passed.")
    return wrap(on_boxes.converted(on_boxes.named(Tensor, inpt), inpt.format, new), like=inpt,
                format=new)


def must_be_boxes(inpt):
    """Raises TypeError unless they are boxes that say so."""
    if not isinstance(inpt, BoundingBoxes):
        raise TypeError("Input can either be a plain tensor or a bounding box tv_tensor, but got "
                        f"{type(inpt)} instead.")


def clamp_bounding_boxes(inpt, format=None, canvas_size=None, clamping_mode=UNSAID):
    """What of the boxes lies inside the image; for a plain tensor all three must be said."""
    if clamping_mode not in (None, "soft", "hard", UNSAID):
        raise ValueError(f"clamping_mode must be soft, hard, auto or None, got {clamping_mode}")
    if is_plain(inpt):
        if format is None or canvas_size is None or clamping_mode == UNSAID:
            raise ValueError("For pure tensor inputs, `format`, `canvas_size` and `clamping_mode` "
                             "have to be passed.")
        boxes = BoundingBoxes(inpt, format=format, canvas_size=canvas_size)
        return on_boxes.named(Tensor, clamp_bounding_boxes(boxes, clamping_mode=clamping_mode))
    must_be_boxes(inpt)
    if format is not None or canvas_size is not None:
        raise ValueError("For bounding box tv_tensor inputs, `format` and `canvas_size` must not "
                         "be passed.")
    if (inpt.clamping_mode if clamping_mode == UNSAID else clamping_mode) is None:
        return inpt.clone()
    inside = wrap(inpt, like=inpt, clamping_mode="soft")
    return wrap(on_boxes.as_before(on_boxes.plain(inside), inside), like=inpt)


def sanitize_bounding_boxes(bounding_boxes, format=None, canvas_size=None, min_size=1.0,
                            min_area=1.0):
    """(the boxes that lie inside the image and are not too small, which those are)."""
    plain = is_plain(bounding_boxes)
    if plain and (format is None or canvas_size is None):
        raise ValueError("format and canvas_size cannot be None if bounding_boxes is a pure "
                         f"tensor. Got format={format} and canvas_size={canvas_size}. Set those "
                         "to appropriate values or pass bounding_boxes as a "
                         "tv_tensors.BoundingBoxes object.")
    if not plain and not isinstance(bounding_boxes, BoundingBoxes):
        raise ValueError("bounding_boxes must be a tv_tensors.BoundingBoxes instance or a pure "
                         "tensor.")
    if not plain and (format is not None or canvas_size is not None):
        raise ValueError("format and canvas_size must be None when bounding_boxes is a "
                         f"tv_tensors.BoundingBoxes instance. Got format={format} and "
                         f"canvas_size={canvas_size}. Leave those to None or pass bounding_boxes "
                         "as a pure tensor.")
    boxes = bounding_boxes
    if plain:
        boxes = BoundingBoxes(boxes, format=format, canvas_size=canvas_size)
    t = on_boxes.named(Tensor, boxes)
    kept = on_boxes.valid(on_boxes.converted(t, boxes.format, BoundingBoxFormat.XYXY),
                          boxes.canvas_size, min_size, min_area)
    out = t[kept]
    return out if plain else wrap(out, like=boxes), kept


class _OfBoxes(Transform):
    """Changes the boxes of a sample only."""

    _moves = True
    _transformed_types = (BoundingBoxes,)

    def _takes_pictures(self):
        return False


class ConvertBoundingBoxFormat(_OfBoxes):
    """Boxes in another format: "XYXY", "XYWH" or "CXCYWH"."""

    def __init__(self, format):
        super().__init__()
        self.format = format

    def transform(self, boxes):
        return convert_bounding_box_format(boxes, new_format=self.format)


class ClampBoundingBoxes(_OfBoxes):
    """What of the boxes lies inside the image."""

    def __init__(self, clamping_mode=UNSAID):
        super().__init__()
        self.clamping_mode = clamping_mode

    def transform(self, boxes):
        return clamp_bounding_boxes(boxes, clamping_mode=self.clamping_mode)


class SetClampingMode(_OfBoxes):
    """Says whether later transforms cut off what lies outside the image, or not (None)."""

    def __init__(self, clamping_mode):
        super().__init__()
        if clamping_mode not in (None, "soft", "hard"):
            raise ValueError(f"clamping_mode must be soft, hard or None, got {clamping_mode}")
        self.clamping_mode = clamping_mode

    def transform(self, boxes):
        return wrap(boxes.clone(), like=boxes, clamping_mode=self.clamping_mode)


class SanitizeBoundingBoxes(Transform):
    """Without boxes that are too small or lie outside the image, their masks and their labels.

    labels_getter: finds the labels in a sample: "default" (by the name), a function, or None.
    Raises ValueError where there are no boxes, or not as many labels as boxes.
    """

    def __init__(self, min_size=1.0, min_area=1.0, labels_getter="default"):
        super().__init__()
        if min_size < 1:
            raise ValueError(f"min_size must be >= 1, got {min_size}.")
        if min_area < 1:
            raise ValueError(f"min_area must be >= 1, got {min_area}.")
        if labels_getter is not None and labels_getter != "default" and not callable(labels_getter):
            raise ValueError("labels_getter should either be 'default', a callable, or None, but "
                             f"got {labels_getter}.")
        self.min_size = min_size
        self.min_area = min_area
        self.labels_getter = labels_getter

    def _labels(self, sample):
        """The labels as a tuple of tensors, perhaps of none."""
        if self.labels_getter is None:
            return ()
        found = (find_labels if self.labels_getter == "default" else self.labels_getter)(sample)
        found = found if isinstance(found, tuple | list) else () if found is None else (found,)
        for labels in found:
            if not isinstance(labels, Tensor):
                raise ValueError("The labels in the input to forward() must be a tensor or None, "
                                 f"got {type(labels)} instead.")
        return found

    def forward(self, *inputs):
        sample = whole(inputs)
        labels = self._labels(sample)
        flat, structure = tree_flatten(sample)
        boxes = next((x for x in flat if isinstance(x, BoundingBoxes)), None)
        if boxes is None:
            raise ValueError("No bounding boxes were found in the sample")
        for found in labels:
            if len(found) != len(boxes):
                raise ValueError(f"Number of boxes (shape={boxes.shape}) and must match the number "
                                 f"of labels.Found labels with shape={found.shape}).")
        _, kept = sanitize_bounding_boxes(boxes, min_size=self.min_size, min_area=self.min_area)
        out = []
        for x in flat:
            if isinstance(x, BoundingBoxes) or (isinstance(x, Mask) and len(x) == len(kept)):
                out.append(wrap(on_boxes.named(Tensor, x)[kept], like=x))
            else:
                out.append(x[kept] if any(x is found for found in labels) else x)
        return tree_unflatten(out, structure)


__all__ = ["ClampBoundingBoxes", "ConvertBoundingBoxFormat", "SanitizeBoundingBoxes",
           "SetClampingMode", "clamp_bounding_boxes", "convert_bounding_box_format",
           "sanitize_bounding_boxes"]
