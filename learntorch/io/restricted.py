"""Unpickling without trust: a pickle is a program, and this machine runs only the harmless part.

Python's unpickler calls whatever the file names. This one knows numbers, texts, containers, and the
few names it is given; it can build data and nothing else. The instructions are taken apart by
`pickletools`, which checks every length against what the file holds.

A harmless call can still fill the memory if it copies something large again and again, or walk
for ever through a key whose parts are all the same tuple. So what calls copy is counted, and what
becomes a key must be small.
"""

import os
import pickletools
from collections import OrderedDict
from pickle import UnpicklingError

MARK = object()
KEY_PARTS = 1000            # a dict's key or a set's element has no more parts than this
SPARE = 1 << 16             # what calls may copy in the smallest file
CONTAINERS = (list, tuple, dict, set, frozenset)


def limit_for(length):
    """How much calls may copy, in bytes and elements, for a file of this length."""
    return 2 * length + SPARE


class StorageError(RuntimeError):
    """The numbers that a pickle refers to cannot be had, for a reason outside the pickle."""


class Careful:
    """A file that is never asked for more than it has: Python makes room for all it is asked for
    before it looks."""

    def __init__(self, file):
        self.file = file
        self.tell = file.tell
        self.readline = file.readline
        here = file.tell()
        self.end = file.seek(0, os.SEEK_END)
        file.seek(here)

    def read(self, n):
        """The next n bytes, or as many as there are."""
        return self.file.read(n if n < SPARE else min(n, max(self.end - self.file.tell(), 0)))


class Machine:
    """Runs one pickle. `names(module, name)` gives what a name stands for or raises
    UnpicklingError; `persistent(id)` gives what lies outside the pickle; `callables` are the
    values that may be called, `builds` maps a type to the function that gives it its state.
    `limit`: how much the calls may copy; `made(value)`: the bytes that a call has allocated."""

    def __init__(self, names, persistent, callables, builds, limit, made=lambda value: 0):
        self.names = names
        self.persistent = persistent
        self.callables = callables
        self.builds = {OrderedDict: attributes, **builds}
        self.left = limit
        self.made = made
        self.stack = []
        self.memo = {}

    def load(self, stream):
        """The object whose pickle begins here in `stream`. Raises UnpicklingError."""
        try:
            for instruction, argument, _ in pickletools.genops(Careful(stream)):
                name = instruction.name
                if name == "STOP":
                    return self.stack.pop()
                if name in CONSTANTS:
                    self.stack.append(CONSTANTS[name])
                elif name in PLAIN:
                    self.stack.append(argument)
                elif name not in STEPS:
                    raise UnpicklingError(f"Unsupported operand {ord(instruction.code)}: the "
                                          f"instruction {name} is not one that data needs")
                else:
                    STEPS[name](self, argument)
        except (UnpicklingError, StorageError):
            raise
        except Exception as error:
            raise UnpicklingError(f"the pickle is damaged: {type(error).__name__}: {error}"
                                  ) from error
        raise UnpicklingError("the pickle ends before its STOP instruction")

    def since_mark(self):
        """Everything above the last mark, taken off the stack with it."""
        n = len(self.stack) - 1
        while self.stack[n] is not MARK:
            n -= 1
        if n < 0:
            raise UnpicklingError("the pickle lacks a MARK")
        items = self.stack[n + 1:]
        del self.stack[n:]
        return items

    def pops(self, n):
        """The last n values, in the order they were pushed."""
        if len(self.stack) < n:
            raise UnpicklingError("the pickle takes more values than it has made")
        items = self.stack[len(self.stack) - n:]
        del self.stack[len(self.stack) - n:]
        return items

    def top(self, kind):
        """The value that is being filled, which must be of this kind."""
        value = self.stack[-1]
        if not isinstance(value, kind):
            raise UnpicklingError(f"the pickle fills a {type(value).__name__} as if it were a "
                                  f"{kind.__name__}")
        return value

    # ---- what keeps time and memory in bounds -------------------------------------------------

    def spend(self, amount):
        """Count what a call copies."""
        self.left -= amount
        if self.left < 0:
            raise UnpicklingError("the pickle copies much more than the file holds: it was made to "
                                  "fill the memory")

    def spend_on(self, value, depth=3):
        """Count the parts of an argument."""
        if isinstance(value, (str, bytes, bytearray, *CONTAINERS)):
            self.spend(len(value))
        if depth and isinstance(value, CONTAINERS):
            for part in (value.values() if isinstance(value, dict) else value):
                self.spend_on(part, depth - 1)

    def arguments_for(self, function, arguments):
        """Check what a callable is given; a container is made of plain containers only."""
        if type(arguments) is not tuple:
            raise UnpicklingError("the pickle calls something with what is no tuple")
        self.spend_on(arguments)
        if isinstance(function, type) and issubclass(function, CONTAINERS):
            pairs = issubclass(function, dict)
            for given in arguments:
                if not isinstance(given, CONTAINERS):
                    raise UnpicklingError(f"a {function.__name__} is made of a container, not of a "
                                          f"{type(given).__name__}")
                if pairs and not isinstance(given, dict):
                    check_pairs(given)
                elif not issubclass(function, tuple):
                    check_keys(given)

    # ---- the instructions that take a line or more -------------------------------------------

    def put(self, place):
        """Remember the top of the stack."""
        self.memo[place] = self.stack[-1]

    def get(self, place):
        """Push what was remembered."""
        self.stack.append(self.memo[place])

    def fetch(self, named):
        """Push what a global name stands for."""
        self.stack.append(self.names(*named.split(" ", 1)))

    def fetch_from_stack(self, _):
        """As `fetch`, with the two names on the stack."""
        module, name = self.pops(2)
        if type(module) is not str or type(name) is not str:
            raise UnpicklingError("the pickle names something by what is not a text")
        self.stack.append(self.names(module, name))

    def call(self, _):
        """Replace a callable and its arguments by the result."""
        function, arguments = self.pops(2)
        if not any(function is f for f in self.callables):
            raise UnpicklingError("Trying to call reduce for unrecognized function "
                                  f"{getattr(function, '__name__', function)!r}")
        self.arguments_for(function, arguments)
        value = function(*arguments)
        self.spend(self.made(value))
        self.stack.append(value)

    def make(self, _):
        """Replace a class and its arguments by a new object."""
        kind, arguments = self.pops(2)
        if not any(kind is f for f in self.callables):
            raise UnpicklingError("Trying to create new object for unrecognized class "
                                  f"{getattr(kind, '__name__', kind)!r}")
        self.arguments_for(kind, arguments)
        self.stack.append(kind.__new__(kind, *arguments))

    def build(self, _):
        """Give the top of the stack its state."""
        state = self.pops(1)[0]
        value = self.stack[-1]
        function = self.builds.get(type(value))
        if function is None:
            raise UnpicklingError("Can only build Tensor, Parameter, OrderedDict or types "
                                  "allowlisted via `add_safe_globals`, but got "
                                  f"{type(value).__name__}")
        self.spend_on(state)
        function(value, state)

    def append_all(self, _):
        """Add what lies above the mark to the list below it."""
        items = self.since_mark()
        self.top(list).extend(items)

    def add_all(self, _):
        """Add what lies above the mark to the set below it."""
        items = self.since_mark()
        check_keys(items)
        self.top(set).update(items)

    def set_items(self, _):
        """Put the pairs above the mark into the dict below it."""
        items = self.since_mark()
        check_keys(items[::2])
        self.top(dict).update(zip(items[::2], items[1::2], strict=True))

    def new_dict(self, _):
        """A dict of the pairs above the mark."""
        items = self.since_mark()
        check_keys(items[::2])
        self.stack.append(dict(zip(items[::2], items[1::2], strict=True)))

    def new_frozenset(self, _):
        """A frozenset of what lies above the mark."""
        items = self.since_mark()
        check_keys(items)
        self.stack.append(frozenset(items))

    def set_item(self, _):
        """Put one pair into the dict below it."""
        key, value = self.pops(2)
        check_keys((key,))
        self.top(dict)[key] = value

    def append_one(self, _):
        """Add one value to the list below it."""
        value = self.pops(1)[0]
        self.top(list).append(value)

    def refer(self, _):
        """Replace a persistent id by what it stands for."""
        self.stack.append(self.persistent(self.pops(1)[0]))


def attributes(value, state):
    """Give an object the attributes in a dict."""
    value.__dict__.update(state)


def check_keys(keys):
    """Raise for a key of a thousand parts: Python would walk through all of them, in recursion,
    and one memoized tuple in another makes exponentially many of few bytes."""
    for key in keys:
        if not isinstance(key, tuple):
            continue
        parts = 0
        waiting = [key]
        while waiting:
            part = waiting.pop()
            if isinstance(part, tuple):
                parts += len(part) + 1
                waiting.extend(part[:KEY_PARTS])
            if parts > KEY_PARTS:
                raise UnpicklingError(f"the pickle has a key of more than {KEY_PARTS} parts")


def check_pairs(pairs):
    """Raise unless these are the pairs of a dict."""
    for pair in pairs:
        if type(pair) not in (list, tuple) or len(pair) != 2:
            raise UnpicklingError("the pickle makes a dict of what are no pairs")
    check_keys([key for key, _ in pairs])


CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": (), "MARK": MARK}
PLAIN = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
         "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING",
         "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
STEPS = {
    "PROTO": lambda m, _: None,
    "FRAME": lambda m, _: None,
    "POP": lambda m, _: m.pops(1),
    "POP_MARK": lambda m, _: m.since_mark(),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_SET": lambda m, _: m.stack.append(set()),
    "LIST": lambda m, _: m.stack.append(m.since_mark()),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.since_mark())),
    "TUPLE1": lambda m, _: m.stack.append(tuple(m.pops(1))),
    "TUPLE2": lambda m, _: m.stack.append(tuple(m.pops(2))),
    "TUPLE3": lambda m, _: m.stack.append(tuple(m.pops(3))),
    "DICT": Machine.new_dict,
    "FROZENSET": Machine.new_frozenset,
    "APPEND": Machine.append_one,
    "APPENDS": Machine.append_all,
    "ADDITEMS": Machine.add_all,
    "SETITEM": Machine.set_item,
    "SETITEMS": Machine.set_items,
    "PUT": Machine.put,
    "BINPUT": Machine.put,
    "LONG_BINPUT": Machine.put,
    "MEMOIZE": lambda m, _: m.put(len(m.memo)),
    "GET": Machine.get,
    "BINGET": Machine.get,
    "LONG_BINGET": Machine.get,
    "GLOBAL": Machine.fetch,
    "STACK_GLOBAL": Machine.fetch_from_stack,
    "REDUCE": Machine.call,
    "NEWOBJ": Machine.make,
    "BUILD": Machine.build,
    "BINPERSID": Machine.refer,
}
