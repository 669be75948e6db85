"""Random state: the generator behind every random function, with PyTorch's stream and its bytes.

PyTorch's CPU generator is the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), seeded with
the low 32 bits of the seed. NumPy has the same engine, so the stream of 32-bit words is NumPy's;
what PyTorch makes of the words is in `learntorch.random_streams`.
"""

import contextlib
import math
import os
import threading

import numpy as np

from learntorch.core.devices import device as Device

__all__ = ["Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed",
           "manual_seed", "seed", "set_rng_state", "thread_safe_generator"]

STATE_SIZE = 5056
BLOCK = 624                         # MT19937 makes its words 624 at a time
NEW_SEED = 67280421310721           # what torch.Generator() starts from
MASK24 = np.uint64(2**24 - 1)
MASK53 = np.uint64(2**53 - 1)
SHIFT32 = np.uint64(32)

# Where things lie in the 632 eight-byte words of a saved state.
_SEED, _LEFT, _NEXT, _KEY, _SPARE, _HAS_SPARE, _FLOAT = 0, 1, 2, 3, 628, 630, 631


class Generator:
    """A stream of random numbers: `g = torch.Generator()`, then `torch.rand(2, generator=g)`.

    `raw(n)` draws n 32-bit words (as uint64), `spare` is the second half of the last pair of
    normal numbers, kept for the next normal draw.
    Raises RuntimeError for a device other than the CPU.
    """

    __slots__ = ("device", "raw", "spare", "_bits", "_seed", "_float_slot", "__weakref__")

    def __init__(self, device="cpu"):
        self.device = Device(device)
        if self.device.type != "cpu":
            raise RuntimeError(f"Cannot get a generator for device '{self.device}': random numbers "
                               "are drawn on the CPU here. Use torch.Generator() and move the "
                               "tensor afterwards.")
        self._seed = NEW_SEED
        self.spare = None
        self._float_slot = 0

    def __getattr__(self, name):
        # Only empty slots come here. The engine starts when it is first used: that keeps
        # numpy.random out of the time that `import learntorch` takes.
        if name not in ("raw", "_bits"):
            raise AttributeError(f"'Generator' object has no attribute '{name}'")
        self._bits = np.random.MT19937(0)
        self.raw = self._bits.random_raw
        self._reseed(self._seed)
        return getattr(self, name)

    def __repr__(self):
        return f"<torch._C.Generator object at {id(self):#x}>"

    def _reseed(self, seed):
        np.random.RandomState(self._bits).seed(seed & 0xFFFFFFFF)
        self._seed = seed
        self.spare = None
        self._float_slot = 0

    # ---- seeds ----------------------------------------------------------------------------

    def manual_seed(self, seed):
        """Start the stream of `seed` again; a negative seed counts from 2⁶⁴. Returns the generator.

        Raises RuntimeError for a seed that is not an int, ValueError outside [−2⁶³, 2⁶⁴).
        """
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        seed = int(seed)
        if not -2**63 <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long: a seed lies between -2**63 and "
                             f"2**64 - 1, {seed} does not")
        self._reseed(seed % 2**64)
        return self

    def seed(self):
        """Start from a seed that the operating system makes up; returns it."""
        seed = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(seed)
        return seed

    def initial_seed(self):
        """The seed that the stream was started with."""
        return self._seed

    # ---- state ----------------------------------------------------------------------------

    def state_bytes(self):
        """The state as the 5056 bytes PyTorch saves: a uint8 array.

        Little endian: seed, words left and a flag (two int32), next word, the 624 words of the
        engine (eight bytes each), three float64 of which the second is the spare normal number,
        a flag for it, and a slot (float32 and flag) that no CPU function uses.
        """
        engine = self._bits.state["state"]
        following = engine["pos"]
        if following == BLOCK and self._untouched(engine["key"]):
            following = 0
        words = np.zeros(STATE_SIZE // 8, "<u8")
        words[_SEED] = self._seed
        words[_LEFT] = 1 << 32 | (BLOCK + 1 - following if following else 1)
        words[_NEXT] = following
        words[_KEY:_KEY + BLOCK] = engine["key"]
        if self.spare is not None:
            words.view("<f8")[_SPARE] = self.spare
            words[_HAS_SPARE] = 1
        words[_FLOAT] = self._float_slot
        return words.view(np.uint8)

    def _untouched(self, key):
        """Whether nothing was drawn since seeding. PyTorch tells this from a used-up block."""
        fresh = Generator()
        fresh._reseed(self._seed)
        return np.array_equal(fresh._bits.state["state"]["key"], key)

    def load_bytes(self, data):
        """Go on where `state_bytes()` was taken: here, or by PyTorch. `data`: uint8 array, bytes.

        Raises RuntimeError when the size or the engine's counters are impossible.
        """
        data = np.frombuffer(bytes(data), np.uint8)
        if data.size != STATE_SIZE:
            raise RuntimeError(f"Expected a CPUGeneratorImplState of size {STATE_SIZE} but found "
                               f"the input RNG state size to be {data.size}")
        words = data.view("<u8")
        left, seeded = words[_LEFT:_LEFT + 1].view("<i4").tolist()
        if seeded != 1 or not 1 <= left <= BLOCK or words[_NEXT] > BLOCK:
            raise RuntimeError("Invalid mt19937 state")
        self._seed = int(words[_SEED])
        key = words[_KEY:_KEY + BLOCK].astype(np.uint32)
        self._bits.state = {"bit_generator": "MT19937",
                            "state": {"key": key, "pos": BLOCK + 1 - left}}
        self.spare = float(words.view("<f8")[_SPARE]) if words[_HAS_SPARE] & 1 else None
        self._float_slot = int(words[_FLOAT])

    def get_state(self):
        """The state as a ByteTensor of 5056 elements, which PyTorch's generators accept too."""
        from learntorch.core.tensor import wrap
        return wrap(self.state_bytes())

    def set_state(self, new_state):
        """Go on from a state that `get_state` returned. Returns the generator.

        Raises TypeError unless `new_state` is a ByteTensor, RuntimeError for an impossible one.
        """
        data = getattr(new_state, "_data", None)
        if data is None:
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        if data.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        self.load_bytes(data)
        return self

    def clone_state(self):
        """A new generator in the same state."""
        twin = Generator(self.device)
        twin.load_bytes(self.state_bytes())
        return twin

    def graphsafe_get_state(self):
        """Only CUDA generators have it. Raises NotImplementedError."""
        raise NotImplementedError("graphsafe_get_state is not supported in this Generator")

    def graphsafe_set_state(self, state):
        """Only CUDA generators have it. Raises NotImplementedError."""
        raise NotImplementedError("graphsafe_set_state is not supported in this Generator")

    def get_offset(self):
        """Only CUDA generators have it. Raises RuntimeError."""
        raise RuntimeError("CPU Generator does not use offset")

    def set_offset(self, offset):
        """Only CUDA generators have it. Raises RuntimeError."""
        raise RuntimeError("CPU Generator does not use offset")

    def __reduce__(self):
        # PyTorch's own form: seed, offset (of CUDA's generators), state
        return (Generator, (self.device,), (self._seed, None, self.get_state()))

    def __setstate__(self, state):
        self.set_state(state[2])

    # ---- uniform numbers --------------------------------------------------------------------

    def words64(self, n):
        """n 64-bit words, each from two of the engine, the first one high: a uint64 array."""
        pairs = self.raw(2 * n).reshape(n, 2)
        return pairs[:, 0] << SHIFT32 | pairs[:, 1]

    def uniform53(self, n):
        """n float64 in [0, 1): the low 53 bits of a 64-bit word, times 2⁻⁵³."""
        return (self.words64(n) & MASK53) * 2.0**-53

    def uniform24(self, n):
        """n float32 in [0, 1): the low 24 bits of a word, times 2⁻²⁴."""
        return np.multiply(self.raw(n) & MASK24, 2.0**-24, dtype=np.float32)

    def one53(self):
        """The next value of `uniform53`, as a Python float."""
        high = self.raw()
        return math.ldexp((high << 32 | self.raw()) & 0x1FFFFFFFFFFFFF, -53)

    @contextlib.contextmanager
    def one_by_one(self):
        """`with g.one_by_one() as following: u = following()`: `uniform53`, a value at a call.

        For samplers that cannot know beforehand how many numbers they need. Words are drawn ahead
        in blocks; leaving puts the engine back behind the last number used.
        """
        reader = self._read_ahead()
        try:
            yield reader.__next__
        finally:
            reader.close()

    def _read_ahead(self):
        for _ in range(16):
            yield self.one53()                  # a short request is not worth saving a state
        n = 256
        while True:
            before = self._bits.state
            used = 0
            try:
                for value in self.uniform53(n).tolist():
                    used += 1
                    yield value
            finally:
                if used < n:
                    self._bits.state = before
                    self.raw(2 * used, False)
            n = min(2 * n, 8192)


of_thread = threading.local()
default_generator = Generator()
default_generator._seed = int.from_bytes(os.urandom(8), "little")


def manual_seed(seed):
    """Seed the default generator; returns it. Seeds and errors as in `Generator.manual_seed`."""
    return default_generator.manual_seed(int(seed))


def seed():
    """Seed the default generator from the operating system; returns the seed."""
    return default_generator.seed()


def initial_seed():
    """The seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state():
    """The state of the default generator: a ByteTensor of 5056 elements."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Put the default generator into a state that `get_rng_state` returned."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices=None, enabled=True, _caller="fork_rng", _devices_kw="devices",
             device_type=None):
    """`with fork_rng():` what is drawn inside does not move the default generator outside."""
    if not enabled or device_type == "meta":
        yield
        return
    before = default_generator.state_bytes()
    try:
        yield
    finally:
        default_generator.load_bytes(before)


def thread_safe_generator():
    """The generator of the thread that asks, if it has one of its own; None (the default) if not.

    A data loader that works in threads gives each its own: `of_thread.generator`.
    """
    return getattr(of_thread, "generator", None)
