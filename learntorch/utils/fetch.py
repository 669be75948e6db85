"""Fetching a file from the network so that it is whole and the right one, or not there.

Bytes go to NAME.part. Where the line breaks, the next try asks for the rest (HTTP Range); when all
is there and the checksum agrees, the file gets its name in one step.
"""

import hashlib
import os
import sys
import time
from contextlib import contextmanager

PIECE = 1 << 15
TRIES = 4
PATIENCE = 30           # seconds without an answer
USER_AGENT = "learntorch"
HOW_TO_HELP = "If you get the file in another way, put it there by hand: {path}"


def calculate_md5(fpath, chunk_size=1024 * 1024):
    """The MD5 checksum of a file, as 32 hexadecimal digits."""
    md5 = hashlib.md5(usedforsecurity=False)
    with open(fpath, "rb") as file:
        while piece := file.read(chunk_size):
            md5.update(piece)
    return md5.hexdigest()


def check_md5(fpath, md5, **kwargs):
    """Whether a file has this checksum."""
    return md5 == calculate_md5(fpath, **kwargs)


def check_integrity(fpath, md5=None):
    """Whether there is a file, and with this checksum where one is given."""
    return os.path.isfile(fpath) and (md5 is None or check_md5(fpath, md5))


def calculate_sha256(path, piece=1024 * 1024):
    """The SHA-256 checksum of a file, as 64 hexadecimal digits."""
    sha256 = hashlib.sha256()
    with open(path, "rb") as file:
        while read := file.read(piece):
            sha256.update(read)
    return sha256.hexdigest()


class Checksum:
    """What tells the right file from others: its MD5, or the first digits of its SHA-256."""

    def __init__(self, md5=None, sha256=None):
        self.name = "MD5" if sha256 is None else "SHA-256"
        self.digits = md5 if sha256 is None else sha256

    def of(self, path):
        """The whole checksum of a file."""
        return calculate_md5(path) if self.name == "MD5" else calculate_sha256(path)

    def fits(self, path):
        """Whether the file is the right one. Without a checksum every file is."""
        return self.digits is None or self.of(path).startswith(self.digits)


def fetch(url, path, md5=None, sha256=None, quiet=False):
    """Bring what is at `url` into the file `path`; sha256: its checksum, or how that begins.

    Raises URLError where the network fails, RuntimeError where what came is not the file with
    this checksum; either way there is no file `path` then, and the sentence says what to do.
    """
    part, checksum = path + ".part", Checksum(md5, sha256)
    with alone(part, path, checksum) as needed:
        if not needed:
            return
        resumed = collect(url, part, path, checksum, quiet)
        if resumed and not checksum.fits(part):
            os.truncate(part, 0)    # the beginning may have been of another file: once from new
            collect(url, part, path, checksum, quiet)
        if not checksum.fits(part):
            found = checksum.of(part)
            os.unlink(part)
            raise RuntimeError("File not found or corrupted: invalid hash value (expected "
                               f'"{checksum.digits}", got "{found}"). What {url} gave has another '
                               f"{checksum.name} checksum than was expected. "
                               f"{HOW_TO_HELP.format(path=path)}")
        os.replace(part, path)


@contextmanager
def alone(part, path, checksum):
    """Hold `part` against other processes; gives whether the file is still needed.

    Several processes of one training run begin at the same moment: one fetches, the others wait.
    """
    try:
        from fcntl import LOCK_EX, flock
    except ImportError:         # a system without such locks, where open files cannot be renamed
        yield not there(path, checksum)
        return

    def locked():
        file = open(part, "ab")
        try:
            flock(file, LOCK_EX)
        except OSError:         # a disk without locks
            pass
        return file

    held = locked()
    try:
        while not still(part, held):        # whoever had it renamed or removed it: hold the new one
            held.close()
            held = locked()
        yield not there(path, checksum)
    finally:
        if still(part, held) and (os.path.getsize(part) == 0 or there(path, checksum)):
            os.unlink(part)
        held.close()


def there(path, checksum):
    """Whether the file is there already, and the right one."""
    return os.path.isfile(path) and checksum.fits(path)


def still(part, held):
    """Whether the open file `held` is the one that now has the name `part`."""
    try:
        return os.path.samestat(os.fstat(held.fileno()), os.stat(part))
    except FileNotFoundError:
        return False


def collect(url, part, path, checksum, quiet):
    """Fill `part` from `url`, in several tries if need be. Whether it began with old bytes."""
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    if checksum.digits is None and os.path.exists(part):
        os.truncate(part, 0)        # without a checksum nobody could tell two halves apart
    begun = os.path.exists(part) and os.path.getsize(part) > 0
    for left in reversed(range(TRIES)):
        before = os.path.getsize(part) if os.path.exists(part) else 0
        try:
            if append(url, part, quiet):
                return begun
            why = "the connection was cut"
        except HTTPError as error:
            if error.code == 416 and before:        # more bytes than the file has
                os.truncate(part, 0)
                begun = False
                continue
            raise URLError(f"{url} answers {error.code} {error.reason}. "
                           f"{HOW_TO_HELP.format(path=path)}") from None
        except (HTTPException, OSError) as error:
            why = str(getattr(error, "reason", error) or type(error).__name__)
            if isinstance(error, URLError) and not before:
                break               # nobody there: do not ask again and again
        if left and os.path.exists(part) and os.path.getsize(part) > before:
            continue
        time.sleep(0.1)
    raise URLError(f"{url} cannot be fetched: {why}. Is this machine online? "
                   f"{HOW_TO_HELP.format(path=path)}")


def append(url, part, quiet=False):
    """Add what is missing to `part`, or all of it where the server gives no pieces.

    Returns whether the file ended where the server had said.
    """
    from urllib.request import Request, urlopen
    have = os.path.getsize(part) if os.path.exists(part) else 0
    headers = {"User-Agent": USER_AGENT}
    if have:
        headers["Range"] = f"bytes={have}-"
    with urlopen(Request(url, headers=headers), timeout=PATIENCE) as answer:
        said = answer.headers.get("Content-Range") or ""
        resumed = have and answer.status == 206 and said.startswith(f"bytes {have}-")
        length = answer.headers.get("Content-Length")
        start = have if resumed else 0
        total = None if length is None else start + int(length)
        with open(part, "r+b" if os.path.exists(part) else "wb") as file:
            file.seek(start)
            file.truncate()
            with progress(os.path.basename(url), start, total, quiet) as advance:
                while piece := answer.read(PIECE):
                    file.write(piece)
                    advance(len(piece))
            file.flush()
            os.fsync(file.fileno())
            return total is None or file.tell() == total


@contextmanager
def progress(name, start, total, quiet=False):
    """A function that is told of each piece that came: a bar of tqdm, or lines on stderr."""
    if quiet:
        yield lambda n: None
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield Lines(name, start, total)
        return
    with tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=name) as bar:
        yield bar.update


class Lines:
    """Says every ten percent, or every 10 MB where the length is unknown, how far a fetch is."""

    def __init__(self, name, start, total):
        self.name = name
        self.done = start
        self.total = total
        self.step = max((total or 0) // 10, 10_000_000)
        self.next = start + self.step

    def __call__(self, n):
        self.done += n
        if self.done >= self.next or self.done == self.total:
            self.next = self.done + self.step
            of = f" of {self.total / 1e6:.1f}" if self.total else ""
            print(f"{self.name}: {self.done / 1e6:.1f}{of} MB", file=sys.stderr, flush=True)
