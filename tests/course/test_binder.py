"""The gate for Binder, with faults planted in what it looks at; the build itself runs in CI."""

import pytest

from course.authoring import binder

PLAN = """Building conda environment for python=3.12
FROM docker.io/library/buildpack-deps:24.04
COPY --chown=0:0 src/binder/requirements.txt ${REPO_DIR}/binder/requirements.txt
COPY --chown=0:0 src/ ${REPO_DIR}/
RUN ${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r "binder/requirements.txt"
RUN chmod +x binder/postBuild
RUN ./binder/postBuild
"""


def test_a_good_plan_has_no_faults():
    assert binder.faults_of_plan(PLAN, "3.12") == []


@pytest.mark.parametrize("old, new, said", [
    ("python=3.12", "python=3.10", "lacks Python 3.12"),
    ("python=3.12", "python=3.120", "lacks Python 3.12"),
    ("src/ $", "other/ $", "lacks the copy"),
    ("requirements.txt\"", "environment.yml\"", "lacks the requirements"),
    ("RUN ./binder/postBuild", "", "lacks postBuild"),
])
def test_a_plan_with_a_fault(old, new, said):
    assert any(said in fault for fault in binder.faults_of_plan(PLAN.replace(old, new), "3.12"))


def test_the_order_of_the_plan():
    lines = PLAN.splitlines()
    lines.insert(1, lines.pop(-1))
    assert any("order" in fault for fault in binder.faults_of_plan("\n".join(lines), "3.12"))


@pytest.mark.parametrize("text", ["python-2.7", "3.12", "python-3", ""])
def test_a_runtime_that_binder_would_not_understand(tmp_path, text):
    (tmp_path / "binder").mkdir()
    (tmp_path / "binder" / "runtime.txt").write_text(text)
    with pytest.raises(binder.Fault, match="runtime"):
        binder.runtime(tmp_path)


def test_the_repository_asks_for_a_python_that_the_project_supports():
    assert binder.runtime(binder.CHECKOUT) in ("3.11", "3.12", "3.13", "3.14")


def test_a_build_that_fails_says_where(tmp_path, monkeypatch, capsys):
    """repo2docker is replaced here by a program that refuses."""
    program = tmp_path / "tools" / "bin" / "jupyter-repo2docker"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'Python 3.99 is not supported'\nexit 1\n")
    program.chmod(0o755)
    assert binder.main([str(tmp_path)]) == 1
    assert "3.99 is not supported" in capsys.readouterr().err


def test_a_requirement_that_cannot_be_installed(tmp_path):
    import sys

    (tmp_path / "binder").mkdir()
    (tmp_path / "binder" / "requirements.txt").write_text("--no-index\nthere-is-no-such-thing\n")
    (tmp_path / "binder" / "postBuild").write_text("exit 0\n")
    with pytest.raises(binder.Fault, match="there-is-no-such-thing"):
        binder.build(tmp_path, tmp_path / "made", sys.executable)
