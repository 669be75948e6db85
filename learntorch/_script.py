"""Runs a script that imports torch, on learntorch: what `python -m learntorch script.py` does.

The script runs as Python itself would run it: as the module `__main__`, with its own arguments, its
folder first on the path. `torch`, `torch.nn`, `torch.utils.data` and so on are the modules of
learntorch under their PyTorch names; `torchvision` is `learntorch.vision`, if it is there.
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
    torch.sparse torch.nested torch.hub torch.package torch.mps torch.xpu torch.compiler
    torch._dynamo torch.multiprocessing torch.utils.cpp_extension torch.utils.mobile_optimizer
    torch.utils.model_zoo torch.utils.bottleneck torch.utils.benchmark torch.utils.dlpack
    torch.utils.collect_env torch.utils.deterministic torch.utils.flop_counter torch.futures
    torch.library torch.monitor torch.overrides torch.types""".split()
SCRIPT = "LEARNTORCH_SCRIPT"  # environment variable that tells a spawned process what to run
USAGE = """usage: {program} script.py [arguments...]

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
    if not any(isinstance(finder, Alias) for finder in sys.meta_path):
        sys.meta_path.insert(0, Alias())


def prepare(script: str, arguments: list[str]) -> None:
    """sys.argv and sys.path as `python script.py arguments` would have them."""
    sys.argv[:] = [script, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if home not in sys.path:  # learntorch came from the folder that was first on the path
        sys.path.append(home)


def execute(script: str, names: dict) -> None:
    """Compile the file `script` and run it with `names` as its globals."""
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec", dont_inherit=True)
    exec(code, names)


def script_frames(trace):
    """A traceback from the script's first frame on: without this file's own."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def main(words: list[str] | None = None, program: str = "python -m learntorch") -> int:
    """Run the script that `words` (default: sys.argv) name. Returns 0, 1 after an uncaught
    exception, whose traceback is printed, or 2 if there is no such script."""
    words = sys.argv[1:] if words is None else words
    if not words or words[0].startswith("-"):
        wrong = not words or words[0] not in ("-h", "--help")
        print(USAGE.format(program=program), end="", file=sys.stderr if wrong else sys.stdout)
        return 2 if wrong else 0
    script = words[0]
    if not os.path.isfile(script):
        why = "it is a folder" if os.path.isdir(script) else "No such file or directory"
        print(f"{program}: can't open file '{script}': {why}", file=sys.stderr)
        return 2
    prepare(script, words[1:])
    alias()
    path = os.environ[SCRIPT] = os.path.abspath(script)
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__builtins__ = __builtins__
    # A process that the script spawns imports its __main__ again. Under this spec that is this
    # file, which knows about torch (last lines); under None it would be the bare script.
    module.__spec__ = __spec__
    sys.modules["__main__"] = module
    try:
        execute(path, module.__dict__)
    except Exception as error:
        explain(error)
        trace = script_frames(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 1
    return 0


if __name__ == "__mp_main__":  # in a spawned process: the script's definitions, not its main part
    alias()
    execute(os.environ[SCRIPT], globals())
