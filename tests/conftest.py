"""What every test run shares: one thread, reproducible properties, and saying what was not run."""
import os
from importlib import metadata

# before NumPy is imported: tests run in parallel processes, not in threads
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
# no test writes into the home folder of the person who runs it
os.environ["LEARNTORCH_PROGRESS"] = "off"

try:
    from hypothesis import settings
except ImportError:
    pass
else:
    settings.register_profile("learntorch", deadline=None, derandomize=True, max_examples=50)
    settings.load_profile("learntorch")


def _oracle_status():
    try:
        return f"PyTorch {metadata.version('torch')}"
    except metadata.PackageNotFoundError:
        return "PyTorch is not installed (group 'oracle'); frozen samples stand in for it"


def pytest_configure(config):
    config.addinivalue_line("markers", "oracle: compares with PyTorch itself")


def pytest_report_header(config):
    return f"oracle: {_oracle_status()}"


def pytest_terminal_summary(terminalreporter):
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    count = sum("live oracle not run" in text for text in skipped)
    if count:
        terminalreporter.write_line(f"live oracle NOT RUN in {count} places: {_oracle_status()}")
