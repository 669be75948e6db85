"""Runs a script that imports torch, on learntorch: what `python -m learntorch script.py` does.

The script (or the module after -m, the text after -c, what comes in for -) runs as Python itself
would run it: as the module `__main__`, with its own arguments, its folder first on the path.
`torch`, `torch.nn`, `torch.utils.data` and so on are the modules of learntorch under their PyTorch
names; `torchvision` is `learntorch.vision`.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types

STANDS_FOR = {
    "torch": "learntorch",
    "torchvision": "learntorch.vision",
}
# What PyTorch has and learntorch has not (yet): importing it works, using it says so.
ABSENT = """torch.onnx torch.jit torch.distributed torch.quantization torch.ao torch.fx torch.export
    torch.sparse torch.nested torch.package torch.mps torch.xpu torch.compiler
    torch._dynamo torch.utils.cpp_extension torch.utils.mobile_optimizer
    torch.utils.bottleneck torch.utils.benchmark torch.utils.dlpack
    torch.utils.collect_env torch.utils.deterministic torch.utils.flop_counter torch.futures
    torch.library torch.monitor torch.overrides torch.types""".split()
# What scripts ask such modules before they use them: there, PyTorch too may answer no.
QUESTIONS = ("is_available", "is_initialized", "is_scripting", "is_tracing", "is_compiling")
# environment variables that tell a spawned process what to run, and in which package it is
SCRIPT, PACKAGE = "LEARNTORCH_SCRIPT", "LEARNTORCH_PACKAGE"
USAGE = """usage: {program} script.py [arguments...]
       {program} -m module [arguments...]
       {program} -c "import torch; ..." [arguments...]

Runs a Python script that imports torch, on learntorch. PyTorch need not be installed.
"""


class Alias:
    """Finder and loader that answers `import torch.x` with the module `learntorch.x` itself.

    One module under two names: a second copy would have classes that are not the same classes.
    Python asks a finder for its methods only; the base class for it would load 20 other modules.
    """

    def find_spec(self, name, path=None, target=None):
        first, dot, rest = name.partition(".")
        if first not in STANDS_FOR:
            return None
        real = f"{STANDS_FOR[first]}{dot}{rest}"
        if present(real):
            return importlib.machinery.ModuleSpec(name, self, origin=real)
        if any(name == absent or name.startswith(absent + ".") for absent in ABSENT):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        if spec.origin is None:
            return Nothing(spec.name)
        module = importlib.import_module(spec.origin)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        if isinstance(module, Nothing):
            return
        # The import system has just put the alias's spec on it; the module keeps its own.
        module.__spec__ = module.__spec__.loader_state


class Nothing(types.ModuleType):
    """Stands for a module of PyTorch that learntorch does not have: its names can be imported."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'", name=name,
                                 obj=self)
        if name in QUESTIONS:
            return lambda: False
        return Missing(f"{self.__name__}.{name}")


class Missing:
    """Stands for a name of PyTorch that learntorch does not have. Any use of it says so."""

    def __init__(self, name):
        self.__dict__["_name"] = name

    def _refuse(self, *args, **named):
        raise NotImplementedError(f"{self._name} is not part of learntorch, which stands in for "
                                  "PyTorch here. What learntorch has is in help('learntorch').")

    __call__ = __getitem__ = __iter__ = __enter__ = __mro_entries__ = __setattr__ = _refuse

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self._refuse()

    def __repr__(self):
        return f"<{self._name}, which learntorch does not have>"


def present(real: str) -> bool:
    """Whether learntorch has the module `real`."""
    if real in sys.modules:
        return True
    try:
        return importlib.util.find_spec(real) is not None
    except ModuleNotFoundError:  # a parent of it is absent
        return False


def explain(error: Exception) -> None:
    """To the error of an import that failed, add what that means here."""
    name = getattr(error, "name", None) or ""
    first = name.partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or first not in STANDS_FOR:
        return
    part = first if name == first else f"this part of {first}"
    error.add_note(f"learntorch, which runs this script, does not have {part} yet.")


def alias() -> None:
    """From now on `import torch` gives learntorch, in this process."""
    if not aliased():
        sys.meta_path.insert(0, Alias())


def aliased() -> bool:
    """Whether `import torch` gives learntorch."""
    return any(isinstance(finder, Alias) for finder in sys.meta_path)


# ---- running something as __main__ -----------------------------------------------------------


class Main(importlib.machinery.ModuleSpec):
    """What the module `__main__` says of itself.

    A process that the script spawns imports its __main__ again, by the name here. That is
    `_spawned`, which knows about torch; by another name, it would be the bare script.
    """

    def __init__(self, package: str):
        super().__init__(f"{__package__}._spawned", None)
        self.package = package

    @property
    def parent(self) -> str:
        """The package that relative imports start from."""
        return self.package


def main(words: list[str] | None = None, program: str = "python -m learntorch") -> int:
    """Run what `words` (default: sys.argv) name. Returns 0, 1 after an uncaught exception, whose
    traceback is printed, or 2 if there is no such script. Ctrl-C goes through to Python, which
    ends the process as it always does."""
    words = sys.argv[1:] if words is None else words
    first = words[0] if words else ""
    if first in ("-m", "-c") and len(words) > 1:
        run = as_module if first == "-m" else as_text
        return run(words[1], words[2:], program)
    if first == "-":
        return as_text(sys.stdin.read(), words[1:], program, "<stdin>", "-")
    if not first or first.startswith("-"):
        wrong = first not in ("-h", "--help")
        print(USAGE.format(program=program), end="", file=sys.stderr if wrong else sys.stdout)
        return 2 if wrong else 0
    return as_script(first, words[1:], program)


def as_script(script: str, arguments: list[str], program: str) -> int:
    """Run the file `script`, whose folder is first on the path."""
    if not os.path.isfile(script):
        why = "it is a folder" if os.path.isdir(script) else "No such file or directory"
        print(f"{program}: can't open file '{script}': {why}", file=sys.stderr)
        return 2
    prepare([script, *arguments], os.path.dirname(os.path.realpath(script)))
    path = os.path.abspath(script)
    tell_children(path, "")
    return execute(lambda: compiled(path), __file__=path, __spec__=Main(""))


def as_module(name: str, arguments: list[str], program: str) -> int:
    """Run the module `name`, or the `__main__` of a package; the current folder is on the path."""
    prepare(["-m", *arguments], os.getcwd())
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name += ".__main__"
            spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:        # a parent of it is absent
        name, spec = error.name, None
    if spec is None or not spec.has_location:
        print(f"{program}: No module named {name}", file=sys.stderr)
        return 1
    sys.argv[0] = spec.origin
    tell_children(spec.origin, spec.parent)
    return execute(lambda: compiled(spec.origin), __file__=spec.origin, __package__=spec.parent,
                   __spec__=Main(spec.parent))


def as_text(text: str, arguments: list[str], program: str, called: str = "<string>",
            first: str = "-c") -> int:
    """Run the text of a program. Python asks no spawned process to run it again."""
    prepare([first, *arguments], "")
    return execute(lambda: compile(text, called, "exec", dont_inherit=True))


def prepare(argv: list[str], folder: str) -> None:
    """sys.argv and sys.path as Python would have them, and torch on it."""
    sys.argv[:] = argv
    if not sys.flags.safe_path:
        sys.path[0] = folder
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if home not in sys.path:  # learntorch came from the folder that was first on the path
        sys.path.append(home)
    alias()


def tell_children(path: str, package: str) -> None:
    """What processes that the script spawns are to read again."""
    os.environ[SCRIPT] = path
    os.environ[PACKAGE] = package


def compiled(path: str):
    """The code of the file `path`."""
    with open(path, "rb") as file:
        return compile(file.read(), path, "exec", dont_inherit=True)


def execute(code, **names) -> int:
    """Run `code()` as the module `__main__` with these names in it. Returns 0, or 1 after an
    exception, which is shown from the script's first line on."""
    module = types.ModuleType("__main__")
    module.__builtins__ = __builtins__
    module.__dict__.update(names)
    sys.modules["__main__"] = module
    try:
        exec(code(), module.__dict__)
    except KeyboardInterrupt:
        show = sys.excepthook
        sys.excepthook = lambda kind, error, trace: show(
            kind, error.with_traceback(frames_of(module, trace)), error.__traceback__)
        raise
    except Exception as error:
        explain(error)
        trace = frames_of(module, error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 1
    return 0


def frames_of(module, trace):
    """A traceback from the first frame of `module` on; None if there is none."""
    while trace is not None and trace.tb_frame.f_globals is not module.__dict__:
        trace = trace.tb_next
    return trace
