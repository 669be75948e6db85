"""The `__main__` of a process that a script under `learntorch run` has spawned.

Python imports the script there once more, so that what it defines can be found; this reads it
with `torch` at hand. Its name is in `_script.Main`.
"""

import os

from learntorch import _script

if __name__ == "__mp_main__":
    _script.alias()
    __package__ = os.environ[_script.PACKAGE] or None
    __spec__ = _script.Main(os.environ[_script.PACKAGE])
    exec(_script.compiled(os.environ[_script.SCRIPT]), globals())
