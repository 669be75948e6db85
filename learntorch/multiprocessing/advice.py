"""What to do about a function or class that a new process does not find."""

import sys


def main_is_a_file():
    """Whether a new process can import what `__main__` is here; it cannot in a notebook."""
    main = sys.modules["__main__"]
    return getattr(main, "__spec__", None) is not None or hasattr(main, "__file__")


def advice(main_is_a_file, instead):
    """One sentence for the error; `instead` says what else helps in a notebook."""
    if main_is_a_file:
        return ("A new process imports the classes and functions it is given: define them at the "
                "top level of a file, outside of functions and of `if __name__ == '__main__':`.")
    return ("A new process cannot import what is defined in a notebook or at the prompt: move the "
            f"class or function into a .py file beside it and import it from there, or {instead}.")
