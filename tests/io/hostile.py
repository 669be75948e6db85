"""Hostile files, each with a name: what a stranger might send instead of weights.

The corpus is built by code, so that it can be read. What the fuzzers find is added to it.
"""

import io
import pickle
import struct
import zipfile

import learntorch as torch


def text(word):
    return b"X" + struct.pack("<I", len(word)) + word


def archive(pickled, **records):
    """A `.pt` file with this pickle and these records."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, data in {"data.pkl": pickled, "byteorder": b"little", **records}.items():
            zipped.writestr(f"archive/{name}", data)
    return file.getvalue()


def changed(data, changes):
    """The bytes with some of them changed: (place, value) each, places counted round."""
    data = bytearray(data)
    for place, value in changes:
        data[place % len(data)] = value
    return bytes(data)


def saved(obj, **options):
    file = io.BytesIO()
    torch.save(obj, file, **options)
    return file.getvalue()


VALUE = {"w": torch.arange(6.0).view(2, 3), "n": [1, "two", (3.0, None)]}
WHOLE = saved(VALUE)
OLD = saved(VALUE, _use_new_zipfile_serialization=False)
PICKLED = zipfile.ZipFile(io.BytesIO(WHOLE)).read("archive/data.pkl")
DATA = zipfile.ZipFile(io.BytesIO(WHOLE)).read("archive/data/0")

STORAGE = (b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"0") + text(b"cpu")
           + b"J%bt" + b"Q")
ORDERED = b"ccollections\nOrderedDict\n"


def rebuilt(count=6, offset=0, size=b"K\x02K\x03\x86", stride=b"K\x03K\x01\x86", more=b""):
    """The instructions for one tensor with chosen geometry, without PROTO and STOP."""
    return (b"ctorch._utils\n_rebuild_tensor_v2\n("
            + STORAGE.replace(b"%b", struct.pack("<i", count)) + b"J" + struct.pack("<i", offset)
            + size + stride + b"\x89" + ORDERED + b")R" + more + b"tR")


def tensor(**geometry):
    """The pickle of one tensor."""
    return b"\x80\x02" + rebuilt(**geometry) + b"."


# one number looked at 2³¹ times
HUGE = {"size": b"J\xff\xff\xff\x7f\x85", "stride": b"K\x00\x85"}
DEEP = 200_000


def calls(name, argument, times=2000):
    """A pickle that calls a harmless name again and again with one large argument."""
    again = b"h\x01h\x00\x85R"
    return (b"\x80\x02" + argument + b"q\x000" + b"c" + name + b"\nq\x010(" + again * times + b"l.")


def nest(levels=60):
    """A tuple of a tuple twice, and so on: few bytes, 2⁶⁰ parts."""
    return b"K\x01" + b"q\x000h\x00h\x00\x86" * levels


MANY = b"](" + b"K\x01" * 50_000 + b"e"
WORDS = text(b"x" * 100_000)

REFUSED = {
    "more elements than the file has": tensor(count=2**31 - 1),
    "negative number of elements": tensor(count=-1),
    "offset beyond the end": tensor(offset=7),
    "negative offset": tensor(offset=-1),
    "sizes beyond the end": tensor(size=b"J\xff\xff\xff\x7fK\x03\x86"),
    "negative size": tensor(size=b"J\xff\xff\xff\xffK\x03\x86"),
    "strides beyond the end": tensor(stride=b"J\xff\xff\xff\x7fK\x01\x86"),
    "strides beyond 64 bits": tensor(stride=b"\x8a\x0a" + b"\xff" * 9 + b"\x00K\x01\x86"),
    "fewer strides than sizes": tensor(stride=b"K\x01\x85"),
    "sizes are no numbers": tensor(size=text(b"a") + text(b"b") + b"\x86"),
    "a bytearray of a given length": b"\x80\x02cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "bytes of a given length": b"\x80\x02cbuiltins\nbytes\nJ\xff\xff\xff\x7f\x85R.",
    "a text longer than the file": b"\x80\x02X\xff\xff\xff\x7fabc.",
    "a text of 2^63 bytes": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7fabc.",
    "a number of two billion digits": b"\x80\x02\x8b\xff\xff\xff\x7f\x01.",
    "a number in a million decimals": b"\x80\x02L" + b"9" * 10**6 + b"L\n.",
    "state for a class": b"\x80\x02ctorch\nTensor\n}" + text(b"add") + b"K\x01sb.",
    "state for a function": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}" + text(b"__defaults__")
                            + b"K\x01sb.",
    "slots of a class": b"\x80\x02ctorch\nTensor\nN}" + text(b"add") + b"K\x01s\x86b.",
    "a class made new": b"\x80\x02cbuiltins\nint\n)\x81.",
    "nothing on the stack": b"\x80\x02R.",
    "no stop": b"\x80\x02]",
    "stop at once": b".",
    "fills a text": b"\x80\x02" + text(b"a") + b"K\x01a.",
    "unhashable key": b"\x80\x02}]K\x01s.",
    "a storage of nobody": b"\x80\x02" + text(b"storage") + b"Q.",
    "a mark that is missing": b"\x80\x02K\x01t.",
    "an extension": b"\x80\x02\x82\x01.",
    "an old class": b"\x80\x02(ios\nsystem\n.",
    "an instance": b"\x80\x02(cos\nsystem\n" + text(b"true") + b"o.",
    "a persistent id of protocol 0": b"P0\n.",
    "a memo that was never filled": b"\x80\x02h\x05.",
    "texts multiplied": b"\x80\x02coperator\nmul\n" + text(b"x") + b"J\xff\xff\xff\x7f\x86R.",
    "texts multiplied by their method": b"\x80\x02cbuiltins\nstr.__mul__\n" + text(b"x")
                                        + b"J\xff\xff\xff\x7f\x86R.",
    "a name with dots": b"\x80\x02ctorch\nTensor.add.__globals__\n.",
    "a module reached through another": b"\x80\x02ctorch.serialization\nos.system\n" + text(b"true")
                                        + b"\x85R.",
    "a key of 2^60 parts": b"\x80\x02}" + nest() + b"K\x01s.",
    "keys of 2^60 parts at once": b"\x80\x02}(" + nest() + b"K\x01u.",
    "an element of 2^60 parts": b"\x80\x04\x8f(" + nest() + b"\x90.",
    "a frozen element of 2^60 parts": b"\x80\x04(" + nest() + b"\x91.",
    "a size of 2^60 parts as a key": b"\x80\x02}ctorch\nSize\n" + nest() + b"\x85RK\x01s.",
    "a key 200,000 deep": b"\x80\x02}" + b"K\x01" + b"\x85" * DEEP + b"K\x01s.",
    "a set with an element 200,000 deep": b"\x80\x02cbuiltins\nset\n](K\x01" + b"\x85" * DEEP
                                          + b"e\x85R.",
    "a dict of pairs with such a key": b"\x80\x02" + ORDERED + b"]](K\x01" + b"\x85" * DEEP
                                       + b"K\x01ea\x85R.",
    "a set of a huge tensor": b"\x80\x02cbuiltins\nset\n" + rebuilt(**HUGE) + b"\x85R.",
    "a size of a huge tensor": b"\x80\x02ctorch\nSize\n" + rebuilt(**HUGE) + b"\x85R.",
    "a dict of a huge tensor": b"\x80\x02" + ORDERED + b"]" + rebuilt(**HUGE) + b"a\x85R.",
    "a count of a huge tensor": b"\x80\x02ccollections\nCounter\n" + rebuilt(**HUGE) + b"\x85R.",
    "a huge tensor, conjugated": tensor(**HUGE, more=b"}" + text(b"conj") + b"\x88s"),
    "a huge tensor, negated": tensor(**HUGE, more=b"}" + text(b"neg") + b"\x88s"),
    "the bytes of a text again and again": calls(
        b"_codecs\nencode", WORDS).replace(b"h\x01h\x00\x85R", b"h\x01h\x00" + text(b"latin1")
                                           + b"\x86R"),
    "bytearrays of a text again and again": calls(b"builtins\nbytearray", WORDS),
    "sets of a list again and again": calls(b"builtins\nset", MANY),
    "sizes of a list again and again": calls(b"torch\nSize", MANY),
    "attributes again and again": b"\x80\x02}(" + b"".join(
        text(b"%d" % i) + b"N" for i in range(10_000)) + b"uq\x000"
        + (ORDERED + b")Rh\x00b0") * 2000 + b"N.",
    "a tensor made by the class of tensors": b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n("
        b"ctorch\nTensor\nctorch\nTensor\nJ\xff\xff\xff\x7f\x85}tR.",
    "a storage of a given length": b"\x80\x02ctorch.storage\nUntypedStorage\n"
                                   b"J\xff\xff\xff\x7f\x85R.",
    "an allowed name as a function": b"\x80\x02ctorch.nn.parameter\nParameter\n)\x81.",
    "another library's array": pickle.dumps(__import__("numpy").ones(2), 2),
}
# What is harmless however it looks: the value that comes out.
HARMLESS = {
    "hidden attributes of a tensor": (
        tensor()[:-1] + b"}" + text(b"_data") + b"K\x01sb.", VALUE["w"]),
    "a memo of two billion places": (b"\x80\x02]r\xff\xff\xff\x7f.", []),
    "a huge tensor that nobody copies": (tensor(**HUGE), None),
    "lists 200,000 deep": (b"\x80\x02" + b"]" * DEEP + b"a" * (DEEP - 1) + b".", None),
    "a list in itself": (b"\x80\x02]q\x00h\x00a.", None),
    "a value of 2^60 parts": (b"\x80\x02" + nest() + b".", None),
}


def zipped(edit, whole=WHOLE):
    """An archive with its directory changed by `edit`, a function of the list of entries, each
    the 46 fixed bytes and the rest."""
    begins = whole.index(b"PK\1\2")
    ends = whole.index(b"PK\5\6")
    entries = []
    at = begins
    while at < ends:
        sizes = struct.unpack("<HHH", whole[at + 28:at + 34])
        length = 46 + sum(sizes)
        entries.append(bytearray(whole[at:at + length]))
        at += length
    entries = edit(entries)
    directory = b"".join(bytes(e) for e in entries)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, len(entries), len(entries), len(directory),
                      begins, 0)
    return whole[:begins] + directory + end


def field(place, form, value, which=None):
    """An `edit` that writes a number into every entry (or the one whose name ends so)."""
    def edit(entries):
        for entry in entries:
            if which is None or bytes(entry).rstrip(b"\0").endswith(which):
                entry[place:place + struct.calcsize(form)] = struct.pack(form, value)
        return entries
    return edit


def sizes(n, which=None):
    """An `edit` that says n bytes, packed and unpacked."""
    packed, unpacked = field(20, "<I", n, which), field(24, "<I", n, which)
    return lambda entries: unpacked(packed(entries))


def renamed(name):
    """An `edit` that adds an entry of this name for the bytes of the first storage."""
    def edit(entries):
        entry = next(e for e in entries if b"/data/0" in bytes(e))
        fresh = bytearray(entry[:46]) + name
        fresh[28:34] = struct.pack("<HHH", len(name), 0, 0)
        return [*entries, fresh]
    return edit


def packed(data):
    """An archive whose storage is compressed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("archive/data.pkl", tensor(count=len(data) // 4))
        target.writestr("archive/data/0", data)
    return file.getvalue()


ARCHIVES = {
    "a compressed bomb": packed(bytes(10**8)),
    "sizes of four gigabytes": zipped(sizes(0xFFFFFFFE)),
    "a storage said to be larger": zipped(sizes(4000, b"data/0")),
    "records elsewhere": zipped(field(42, "<I", 0x7FFFFFFF)),
    "records in the middle of others": zipped(field(42, "<I", 77)),
    "encrypted": zipped(field(8, "<H", 0x801)),
    "an unknown packing": zipped(field(10, "<H", 99)),
    "a thousand records on the same bytes": zipped(
        lambda es: es + [e for e in es if b"data/0" in bytes(e)] * 1000,
        saved(torch.zeros(100_000))),
    "a directory that is elsewhere": WHOLE[:-6] + struct.pack("<I", 0x7FFFFFFF) + WHOLE[-2:],
    "an end and nothing else": WHOLE[WHOLE.index(b"PK\5\6"):],
    "a zip in front of a pickle": b"PK\3\4" + PICKLED,
    "cut in the directory": WHOLE[:WHOLE.index(b"PK\5\6") - 9],
    "another zip archive": zipped(lambda es: [e for e in es if b"data.pkl" not in bytes(e)]),
    "empty": b"",
    "a lone letter": b"P",
    "the old format, cut in a storage": OLD[:-5],
    "the old format, cut in the pickle": OLD[:len(OLD) // 2],
    "the old format, storages twice as long": OLD.replace(b"K\x06tQ", b"K\x0ctQ").replace(
        b"K\x06N", b"K\x0cN"),
    "the old format, of another number": OLD.replace(b"\x10", b"\x11", 1),
}
# Names that would leave the folder if anything were unpacked: nothing is, and the value is whole.
NAMES = [b"archive/../../outside", b"/outside", b"..\\..\\outside", b"archive/data/0\0.txt",
         b"archive/" + b"x" * 60_000, "archive/ünïcode".encode(), b""]
