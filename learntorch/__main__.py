"""`python -m learntorch script.py [arguments]` runs a script that imports torch, on learntorch."""

import sys

from learntorch._script import main

if __name__ == "__main__":
    sys.exit(main())
