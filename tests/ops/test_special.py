"""Special functions at their seams: where a formula changes, at infinities, at NaN."""
import numpy as np
import pytest

from tests.oracle import alike, needs_torch

pytest.importorskip("scipy")
inf, nan = float("inf"), float("nan")
EDGES = [inf, -inf, nan, 0.0, -0.0, 1e30, -0.5, 1.5]


@needs_torch
@pytest.mark.parametrize("name", ["bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1"])
def test_bessel_around_5(name):
    """PyTorch leaves a term out beyond 5: the jump there is as large as its own."""
    points = np.concatenate([np.linspace(-12, 12, 401), [5, np.nextafter(5, 6), -5], EDGES])
    alike(lambda torch: getattr(torch.special, name)(torch.tensor(points)))
    alike(lambda torch: getattr(torch.special, name)(torch.arange(-9, 9)))


@needs_torch
@pytest.mark.parametrize("n", range(5))
def test_polygamma_at_the_edges(n):
    alike(lambda torch: torch.polygamma(n, torch.tensor(EDGES[:5] + EDGES[6:])))


PLACES = [complex(1, 2), complex(-inf, 1), complex(-inf, -2), complex(inf, 1), complex(nan, 0),
          complex(1, -5), complex(0.5, 3)]


@needs_torch
def test_complex_logaddexp():
    """The angle is that of the larger number plus what the smaller one turns it."""
    def case(torch):
        z = torch.tensor(PLACES, dtype=torch.complex128)
        return torch.logaddexp(z.unsqueeze(0), z.unsqueeze(1))
    alike(case)


@needs_torch
def test_complex_logcumsumexp_does_not_wrap():
    """Turning on and on: the angle leaves (−π, π]."""
    def case(torch):
        angles = torch.tensor([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], dtype=torch.float64)
        growing = torch.arange(6, dtype=torch.float64)
        r = torch.logcumsumexp(torch.complex(growing, angles), 0)
        assert r.imag.max() > 5
        return r
    alike(case)
