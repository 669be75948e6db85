"""What boxes and masks are compared on: each case is run here and, when boxes.json is made, there.

A case is (name, function of `transforms.v2` that makes a transform).
"""
import numpy as np

H, W = 18, 23
CORNERS = np.array([[0, 0, 5, 7], [3, 2, 20, 15], [10, 4, 23, 18], [7, 8, 9, 9]], np.float32)
FORMATS = ("XYXY", "XYWH", "CXCYWH")
CASES = [
    ("hflip", lambda T: T.RandomHorizontalFlip(1.0)),
    ("vflip", lambda T: T.RandomVerticalFlip(1.0)),
    ("resize", lambda T: T.Resize([9, 30])),
    ("resize edge", lambda T: T.Resize(20, max_size=22)),
    ("crop", lambda T: T.RandomCrop(10)),
    ("crop padded", lambda T: T.RandomCrop((20, 12), padding=3)),
    ("center", lambda T: T.CenterCrop((30, 12))),
    ("pad", lambda T: T.Pad((1, 2, 3, 4), fill=2)),
    ("resized crop", lambda T: T.RandomResizedCrop((11, 13))),
    ("rotation", lambda T: T.RandomRotation((10, 80), center=(3, 4), fill=1)),
    ("affine", lambda T: T.RandomAffine(30, (0.1, 0.2), (0.5, 1.5), (-10, 20, -5, 5))),
    ("perspective", lambda T: T.RandomPerspective(0.5, 1.0)),
    ("elastic", lambda T: T.ElasticTransform(30.0, 3.0)),
    ("unclamped", lambda T: T.Compose([T.SetClampingMode(None), T.RandomCrop(10)])),
    ("sanitized", lambda T: T.Compose([T.RandomCrop(10), T.SanitizeBoundingBoxes()])),
    ("converted", lambda T: T.ConvertBoundingBoxFormat("CXCYWH")),
    ("a mixture", lambda T: T.Compose([T.RandomHorizontalFlip(0.5), T.RandomCrop(12),
                                       T.ColorJitter(0.3), T.Resize(20)])),
]


def boxes(form, kind):
    """The boxes in one of the formats and types."""
    low, high = CORNERS[:, :2], CORNERS[:, 2:]
    made = {"XYXY": (low, high), "XYWH": (low, high - low),
            "CXCYWH": ((low + high) / 2, high - low)}[form]
    return np.concatenate(made, 1).astype(kind)


def sample(lib, tv, form, kind="f4"):
    """An image, masks, boxes and labels that belong together."""
    rng = np.random.default_rng(0)
    return {"boxes": tv.BoundingBoxes(lib.from_numpy(boxes(form, kind)), format=form,
                                      canvas_size=(H, W)),
            "image": tv.Image(lib.from_numpy(rng.random((3, H, W), np.float32))),
            "mask": tv.Mask(lib.from_numpy(rng.integers(0, 5, (H, W)))),
            "masks": tv.Mask(lib.from_numpy(rng.random((4, H, W)) > 0.5)),
            "labels": lib.arange(4)}


def told(lib, out):
    """Numbers that say what became of a sample."""
    b, m = out["boxes"], out["masks"].to(lib.float32)
    return {"boxes": [[round(float(v), 3) for v in row] for row in b.tolist()],
            "form": b.format.name, "canvas": list(b.canvas_size), "labels": out["labels"].tolist(),
            "mask": [list(out["mask"].shape), int(out["mask"].sum())],
            "masks": [list(m.shape), int(m.sum())]}
