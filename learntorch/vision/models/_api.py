"""What the models share: a registry of builders by name, and files of trained weights.

A file of weights is a member of an enum: `ResNet18_Weights.IMAGENET1K_V1` says where it lies, what
it needs (`transforms`) and how good it is (`meta`). A builder is a function `resnet18(*,
weights=None, progress=True, **kwargs)`; the decorators here give it those two parameters.
"""

import functools
import warnings
from enum import Enum
from inspect import Parameter, Signature

from learntorch.vision.transforms._presets import ImageClassification

__all__ = ["Weights", "WeightsEnum", "get_model", "get_model_builder", "get_model_weights",
           "get_weight", "list_models"]

ADDRESS = "https://download.pytorch.org/models/"
SOURCES = "https://github.com/pytorch/vision/"
BUILDERS = {}       # name: builder
ENUMS = {}          # builder: its enum of weights
UNSAID = object()


class Weights:
    """One file of weights: its `url`, `transforms()` to make its preprocessing, facts in `meta`."""

    def __init__(self, url, transforms, meta):
        self.url = url
        self.transforms = transforms
        self.meta = meta

    def _facts(self):
        kind = self.transforms
        if isinstance(kind, functools.partial):
            kind = kind.func, kind.args, kind.keywords
        return self.url, kind, self.meta

    def __eq__(self, other):
        return self._facts() == other._facts() if isinstance(other, Weights) else NotImplemented

    def __repr__(self):
        return f"Weights(url={self.url!r}, transforms={self.transforms!r}, meta={self.meta!r})"


class Facts(dict):
    """The `meta` of weights: a dictionary that says where the names of the classes are."""

    def __missing__(self, key):
        if key == "categories":
            raise KeyError("the 1000 names of ImageNet's classes are not part of learntorch. Class "
                           "i of a model is line i of the list that is published with the weights")
        raise KeyError(key)


def imagenet(file, params, accuracy, ops, size, recipe, min_size=1, crop=224, license=None,
             **preset):
    """The Weights of a model that was trained on ImageNet.

    file: its name, which ends in the first eight digits of its SHA-256; params: how many numbers
    it holds; accuracy: percent right at the first guess and among the first five; ops: billions of
    multiply-adds for a picture; size: MB; recipe: where it is told how it was trained; min_size:
    height and width of the smallest picture the model takes; crop and preset: for `transforms`.
    """
    meta = Facts(num_params=params, min_size=(min_size, min_size),
                 recipe=recipe if "://" in recipe else SOURCES + recipe,
                 _metrics={"ImageNet-1K": dict(zip(("acc@1", "acc@5"), accuracy))},
                 _ops=ops, _file_size=size)
    if license:
        meta["license"] = license
    return Weights(f"{ADDRESS}{file}.pth",
                   functools.partial(ImageClassification, crop_size=crop, **preset), meta)


class WeightsEnum(Enum):
    """The files of weights that there are for one model; `DEFAULT` is the best of them."""

    @classmethod
    def verify(cls, obj):
        """A member, from itself, its name ("DEFAULT" or "ResNet18_Weights.DEFAULT") or None."""
        if isinstance(obj, str):
            return cls[obj.replace(cls.__name__ + ".", "")]
        if obj is not None and not isinstance(obj, cls):
            raise TypeError(f"Invalid Weight class provided; expected {cls.__name__} but received "
                            f"{type(obj).__name__}.")
        return obj

    def get_state_dict(self, *args, **kwargs):
        """The weights by name, fetched at the first time; arguments of `load_state_dict_from_url`.
        """
        from learntorch.hub import load_state_dict_from_url
        kwargs.setdefault("weights_only", True)
        return load_state_dict_from_url(self.url, *args, **kwargs)

    def __repr__(self):
        return f"{type(self).__name__}.{self._name_}"

    @property
    def url(self):
        """Where the file lies."""
        return self.value.url

    @property
    def transforms(self):
        """`transforms()` makes the preprocessing with which the weights were trained."""
        return self.value.transforms

    @property
    def meta(self):
        """Facts about the weights: `num_params`, `min_size`, `recipe` …"""
        return self.value.meta


# ---- builders --------------------------------------------------------------------------------


def register(weights):
    """Decorator: a builder (*, weights, progress, **kwargs) gets a name in the registry, and is
    given a member of the enum `weights`, or None, however its caller has said it."""
    def decorate(build):
        @functools.wraps(build)
        def builder(*args, **kwargs):
            kwargs = modern(build.__name__, weights, args, kwargs)
            kwargs["weights"] = weights.verify(kwargs.get("weights"))
            kwargs.setdefault("progress", True)
            return build(**kwargs)

        said = Parameter.KEYWORD_ONLY
        builder.__signature__ = Signature([
            Parameter("weights", said, default=None, annotation=weights | None),
            Parameter("progress", said, default=True, annotation=bool),
            Parameter("kwargs", Parameter.VAR_KEYWORD)])
        BUILDERS[build.__name__] = builder
        ENUMS[builder] = weights
        return builder
    return decorate


def model(weights, fixed=None, rename=None):
    """Decorator for a builder (**kwargs) that only makes the module: files are seen to here.

    fixed: gives, from a member of `weights`, the arguments that belong to it besides
    `num_classes`; rename: from a state dict that of the same file in today's names.
    """
    def decorate(build):
        @functools.wraps(build)
        def builder(*, weights, progress, **kwargs):
            if weights is None:
                return build(**kwargs)
            needed = {"num_classes": 1000} | (fixed(weights) if fixed else {})
            for name, value in needed.items():
                must_agree(kwargs, name, value)
            made = build(**kwargs)
            state = weights.get_state_dict(progress=progress, check_hash=True)
            made.load_state_dict(rename(state) if rename else state)
            return made
        return register(weights)(builder)
    return decorate


def must_agree(kwargs, name, value):
    """Put an argument where it was not given. Raises ValueError where another value was."""
    if kwargs.setdefault(name, value) != value:
        raise ValueError(f"The parameter '{name}' expected value {value} but got {kwargs[name]} "
                         "instead. The weights are for a model of that kind: build it with them, "
                         "then put another last layer into it.")


def modern(name, weights, args, kwargs):
    """The keyword arguments of a call as it was written before torchvision 0.13, with warnings.

    Then `weights` and `progress` could be given by place, and `pretrained=True` chose the file.
    """
    if args:
        if len(args) > 2:
            raise TypeError(f"{name}() takes 2 positional arguments but {len(args)} were given")
        given = dict(zip(("weights", "progress"), args))
        kwargs = kwargs | given
        warnings.warn(f"Using {' and '.join(repr(k) for k in given)} as positional parameter(s) is "
                      "deprecated since 0.13 and may be removed in the future. Please use keyword "
                      "parameter(s) instead.", stacklevel=3)
    chosen = kwargs.get("weights", UNSAID)
    if chosen is None or isinstance(chosen, WeightsEnum) or (
            isinstance(chosen, str) and chosen != "legacy"):
        return kwargs
    if chosen is UNSAID and "pretrained" not in kwargs:
        return kwargs
    kwargs = dict(kwargs)
    wanted = kwargs.pop("pretrained", None) if chosen is UNSAID else kwargs.pop("weights")
    kwargs.pop("pretrained", None)
    file = weights.__members__.get("IMAGENET1K_V1") if wanted else None
    if wanted and file is None:
        raise ValueError(f"No weights available for model {name}")
    if chosen is UNSAID:
        warnings.warn("The parameter 'pretrained' is deprecated since 0.13 and may be removed in "
                      "the future, please use 'weights' instead.", stacklevel=3)
    best = "" if file is None else (f" You can also use `weights={weights.__name__}.DEFAULT` to "
                                    "get the most up-to-date weights.")
    warnings.warn("Arguments other than a weight enum or `None` for 'weights' are deprecated since "
                  "0.13 and may be removed in the future. The current behavior is equivalent to "
                  f"passing `weights={file}`.{best}", stacklevel=3)
    return kwargs | {"weights": file}


# ---- by name ---------------------------------------------------------------------------------


def list_models(module=None, include=None, exclude=None):
    """The names of all models, sorted.

    module: only those of this package; include, exclude: a pattern such as "resnet*", or several.
    """
    from fnmatch import fnmatch

    def fits(name, patterns):
        patterns = [patterns] if isinstance(patterns, str) else patterns
        return any(fnmatch(name, pattern) for pattern in patterns)

    names = [name for name, builder in BUILDERS.items()
             if module is None or builder.__module__.rpartition(".")[0] == module.__name__]
    if include:
        names = [name for name in names if fits(name, include)]
    if exclude:
        names = [name for name in names if not fits(name, exclude)]
    return sorted(names)


def get_model_builder(name):
    """The function that builds the model of that name. Raises ValueError for an unknown one."""
    from difflib import get_close_matches
    builder = BUILDERS.get(name.lower())
    if builder is None:
        near = get_close_matches(name.lower(), BUILDERS, 1)
        raise ValueError(f"Unknown model {name}" + (f". Did you mean {near[0]}?" if near else ""))
    return builder


def get_model(name, **config):
    """The model of that name: `get_model("resnet18", weights="DEFAULT")`."""
    return get_model_builder(name)(**config)


def get_model_weights(name):
    """The enum of the files for a model, from its name or its builder. Raises ValueError."""
    builder = get_model_builder(name) if isinstance(name, str) else name
    if builder not in ENUMS:
        raise ValueError("The WeightsEnum class for the specific method couldn't be retrieved: "
                         f"{builder!r} is no builder of this package.")
    return ENUMS[builder]


def get_weight(name):
    """The member of that name, such as "ResNet50_Weights.IMAGENET1K_V1". Raises ValueError."""
    kind, dot, member = name.partition(".")
    if not dot or "." in member:
        raise ValueError(f"Invalid weight name provided: '{name}'.")
    for weights in ENUMS.values():
        if weights.__name__ == kind:
            return weights[member]
    raise ValueError(f"The weight enum '{kind}' for the specific method couldn't be retrieved.")
