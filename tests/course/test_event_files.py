"""Event files are read back as they were written, whole, cut off or damaged."""

import math

import pytest

import learntorch as torch
from course.event_files import checksum, read_scalars
from learntorch.utils.tensorboard import SummaryWriter


def written(folder):
    with SummaryWriter(folder) as writer:
        for step in range(3):
            writer.add_scalar("loss", step / 4, step)
    (file,) = folder.glob("events*")
    return file


def test_numbers_come_back(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("été", torch.tensor(0.25), 7)
        writer.add_histogram("weights", torch.arange(10.0), 1)
        writer.add_text("note", "**bold**", 1)
        writer.add_scalar("loss", -3.0, -1)
        writer.add_scalar("loss", math.inf, 2**40)
    (file,) = tmp_path.glob("events*")
    assert read_scalars(file) == [(7, "été", 0.25), (-1, "loss", -3.0), (2**40, "loss", math.inf)]


def test_the_checksum_is_that_of_the_format():
    """CRC-32C of 123456789 is E3069283, turned and moved."""
    crc = 0xE3069283
    assert checksum(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def test_a_file_cut_off_by_a_crash_keeps_its_whole_records(tmp_path):
    path = written(tmp_path)
    data = path.read_bytes()
    assert len(read_scalars(path)) == 3
    for cut in range(1, 20):
        path.write_bytes(data[:-cut])
        assert read_scalars(path) == [(0, "loss", 0.0), (1, "loss", 0.25)]
    path.write_bytes(b"")
    assert read_scalars(path) == []


@pytest.mark.parametrize("at", [0, 5, 9, 20, -1, -6])
def test_a_damaged_file_says_where(tmp_path, at):
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"the record at byte \d+ of .* is damaged"):
        read_scalars(path)
