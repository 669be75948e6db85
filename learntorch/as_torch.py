"""Importing this module makes `import torch` give learntorch, from then on, in this process.

    pytest -p learntorch.as_torch       # the tests of a project that imports torch
    python -m learntorch script.py      # does it for a script
"""

from learntorch._script import alias

alias()
