"""Unpacking an archive that somebody else made: only files, and only below the folder given."""

import os
import shutil

from learntorch.io.atomic import writing

PIECE = 1 << 20
ALONE = {".gz": "gzip", ".xz": "lzma", ".bz2": "bz2"}
ALIASES = {".tbz": ".tar.bz2", ".tbz2": ".tar.bz2", ".tgz": ".tar.gz", ".txz": ".tar.xz"}


def kind_of(path):
    """("tar" or "zip" or None, ending of the packing or None) of an archive, from its name.

    Raises RuntimeError for a name that says neither.
    """
    name = os.path.basename(path).lower()
    for short, long in ALIASES.items():
        if name.endswith(short):
            name = name[:-len(short)] + long
    base, packing = os.path.splitext(name)
    if packing in (".tar", ".zip"):
        return packing[1:], None
    if packing in ALONE:
        return ("tar" if base.endswith(".tar") else None), packing
    if not packing:
        raise RuntimeError(f"File '{path}' has no suffixes that could be used to detect the "
                           "archive type and compression.")
    raise RuntimeError(f"Unknown compression or archive type: '{packing}'.\nKnown suffixes are: "
                       f"'{sorted([*ALIASES, '.tar', '.zip', *ALONE])}'.")


def extract_archive(from_path, to_path=None, remove_finished=False):
    """Unpack a tar, a zip or a single packed file into the folder `to_path` (default: beside it).

    Returns the path of what was unpacked. Each file is written whole or not at all. Raises
    RuntimeError for an archive with links, devices, or names that lead out of the folder.
    """
    from_path = os.fspath(from_path)
    to_path = os.path.dirname(from_path) if to_path is None else os.fspath(to_path)
    archive, packing = kind_of(from_path)
    if archive == "tar":
        untar(from_path, to_path)
    elif archive == "zip":
        unzip(from_path, to_path)
    else:
        name = os.path.splitext(os.path.basename(from_path))[0]
        to_path = os.path.join(to_path, name)
        unpack(from_path, to_path, packing)
    if remove_finished:
        os.remove(from_path)
    return to_path


def unpack(path, target, packing):
    """One packed file into the file `target`."""
    import importlib
    module = importlib.import_module(ALONE[packing])
    broken = (EOFError, OSError, getattr(module, "LZMAError", EOFError), *zlib_error())
    with writing(target) as file, module.open(path, "rb") as packed:
        try:
            copy(packed, file)
        except broken as error:
            raise RuntimeError(f"{path} is cut or damaged: {error}") from None


def zlib_error():
    """What the packing behind .gz raises; without zlib there is none."""
    try:
        from zlib import error
    except ImportError:
        return ()
    return (error,)


def untar(path, folder):
    """All files of a tar archive, packed or not."""
    import tarfile
    try:
        with tarfile.open(path) as archive:
            members = archive.getmembers()
            for member in members:
                if not (member.isfile() or member.isdir()):
                    raise RuntimeError(f"{path} is refused: {member.name!r} in it is a link or a "
                                       "device, which data needs not")
            check_names(path, folder, [member.name for member in members])
            check_room(path, folder, sum(member.size for member in members))
            for member in members:
                target = os.path.join(folder, member.name)
                if member.isdir():
                    os.makedirs(target, exist_ok=True)
                else:
                    put(archive.extractfile(member), target)
    except (tarfile.TarError, EOFError, *zlib_error()) as error:
        raise RuntimeError(f"{path} is cut or damaged: {error}") from None


def unzip(path, folder):
    """All files of a zip archive."""
    import zipfile
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            check_names(path, folder, [member.filename for member in members])
            check_room(path, folder, sum(member.file_size for member in members))
            for member in members:
                target = os.path.join(folder, member.filename)
                if member.is_dir():
                    os.makedirs(target, exist_ok=True)
                else:
                    put(archive.open(member), target)
    except (zipfile.BadZipFile, EOFError, *zlib_error()) as error:
        raise RuntimeError(f"{path} is cut or damaged: {error}") from None


def check_names(path, folder, names):
    """Raises RuntimeError if a member would be written outside the folder."""
    inside = os.path.realpath(folder)
    for name in names:
        target = os.path.realpath(os.path.join(inside, name))
        if "\0" in name or os.path.commonpath([inside, target]) != inside:
            raise RuntimeError(f"{path} is refused: {name!r} in it lies outside the folder it is "
                               "to be unpacked into")


def check_room(path, folder, needed):
    """Raises RuntimeError if what the archive promises does not fit on the disk."""
    os.makedirs(folder, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise RuntimeError(f"{path} is refused: it unpacks to {needed} bytes, and the disk has "
                           f"{free} left")


def put(source, target):
    """One member into its file, whole or not at all."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with source, writing(target) as file:
        copy(source, file)


def copy(source, file):
    """Everything from one open file into another."""
    shutil.copyfileobj(source, file, PIECE)
