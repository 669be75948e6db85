"""SciPy computes the gamma and error functions. Where it is missing, what needs them is skipped."""
import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    except ModuleNotFoundError as error:
        if error.name != "scipy":
            raise
        pytest.skip(f"SciPy is not installed: {error}")
