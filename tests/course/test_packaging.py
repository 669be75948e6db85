"""What the files at the top promise about each other."""

import re
import tomllib
from pathlib import Path

import numpy as np
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
README = (ROOT / "README.md").read_text("utf-8")
LINES = re.findall(r"^```sh\n(.*)\n```$", README, re.MULTILINE)


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins():
    text = (ROOT / "constraints.txt").read_text("utf-8")
    return [Requirement(line) for line in text.splitlines() if line and line[0] != "#"]


def test_readme_has_two_commands_each_one_line_from_nothing():
    assert len(LINES) == 2
    for line in LINES:
        assert line.startswith("python3 -m venv .venv && .venv/bin/python -m pip install ")
        assert "-c constraints.txt" in line
    course, tests = LINES
    assert course.endswith(" && .venv/bin/learntorch lab")
    assert tests.endswith(" && .venv/bin/python -m pytest -n auto --dist loadfile")


def test_ci_takes_readmes_line_for_the_tests():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    pattern = re.search(r"grep -E '(.*)' README\.md", script).group(1)
    assert re.findall(pattern, README, re.MULTILINE) == [LINES[1]]


def test_readme_and_binder_ask_for_extras_that_exist():
    extras = PROJECT["project"]["optional-dependencies"]
    binder = (ROOT / "binder" / "requirements.txt").read_text("utf-8")
    asked = re.findall(r"\.\[([\w,]+)\]", README + binder)
    assert len(asked) >= 4
    for names in asked:
        assert set(names.split(",")) <= set(extras)


def test_every_requirement_of_course_and_tests_is_pinned_as_asked():
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    pinned = {}
    for pin in pins():
        version = str(pin.specifier).removeprefix("==")
        pinned.setdefault(plain(pin.name), []).append(Version(version))
    for text in project["dependencies"] + extras["course"] + extras["test"]:
        asked = Requirement(text)
        versions = pinned[plain(asked.name)]
        assert all(asked.specifier.contains(v) for v in versions), text


def test_constraints_hold_versions_only():
    for pin in pins():
        assert pin.url is None and not pin.extras and str(pin.specifier).startswith("==")


def test_pytorch_comes_only_when_asked_for():
    groups = PROJECT["dependency-groups"]
    texts = PROJECT["project"]["dependencies"] + groups["dev"]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        texts += extra
    assert not any(Requirement(t).name == "torch" for t in texts)
    assert PROJECT["tool"]["uv"]["default-groups"] == ["dev"]
    assert any(Requirement(t).name == "torch" for t in groups["oracle"])


def test_the_code_in_the_readme_prints_what_stands_beside_it(capsys):
    (code,) = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == re.findall(r"# (.*)$", code, re.MULTILINE)


def test_the_picture_shows_the_numbers_of_that_code():
    picture = (ROOT / "course" / "data" / "readme.svg").read_text("utf-8")
    out = np.tanh(2.0 * 0.5 - 0.4)
    slope = 1 - out * out
    for value in (f"{out:.4g}", f"{slope:.4f}", f"{2.0 * slope:.4f}", f"{0.5 * slope:.4f}"):
        assert f">{value}<" in picture


def test_pictures_and_links_of_the_readme_exist():
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert len(links) >= 4
    for link in links:
        assert link.startswith("https://") or (ROOT / link).is_file(), link


def test_the_digits_are_here_with_their_licence():
    folder = ROOT / "course" / "data"
    with np.load(folder / "mnist10k.npz") as file:
        x, y = file["x"], file["y"]
    assert x.shape == (10000, 28, 28) and x.dtype == np.uint8
    assert y.shape == (10000,) and set(y.tolist()) == set(range(10))
    note = (folder / "README.md").read_text("utf-8")
    for words in ("mnist10k.npz", "`mnist` 1.1.0", "LeCun", "CC BY-SA 3.0", "MIT"):
        assert words in note


def test_photographs_and_weights_are_here_with_their_licences():
    folder = ROOT / "course" / "data"
    note = (folder / "README.md").read_text("utf-8")
    files = sorted((folder / "photos").iterdir())
    assert len(files) == 10 and sum(f.stat().st_size for f in files) < 600_000
    for file in files:
        (row,) = [line for line in note.splitlines() if line.startswith(f"| `{file.name}` |")]
        licence = row.strip("| ").rpartition("|")[2].strip()
        assert licence in ("CC0 1.0", "CC BY 2.0", "public domain",
                           "no known copyright restrictions")
    weights = folder / "mobilenet_v2-b0353104.pth"
    assert weights.stat().st_size < 15_000_000
    for words in (weights.name, "Soumith Chintala", "Viktoria Rosjo", "derived from the data"):
        assert words in note


def test_version_is_in_the_changes():
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"## {PROJECT['project']['version']}" in changes
