"""The problem the optimizers are tried on: two matrices, a smooth loss, gradients from NumPy."""

import numpy as np

SHAPES = (4, 3), (3, 5)


def start(dtype, shapes=SHAPES):
    rng = np.random.default_rng(5)
    made = [rng.standard_normal(shape) for shape in shapes]
    if np.dtype(dtype).kind == "c":
        made = [a + 1j * rng.standard_normal(a.shape) for a in made]
    return [a.astype(dtype) for a in made]


def gradient(a, t):
    """Of a bowl with ripples whose lowest point wanders with the step t (None: it stands still)."""
    g = 0.7 * a + 0.1 * np.sin(3 * a.real)
    if t is not None:
        g = g + 0.3 * np.cos(t + np.arange(a.size).reshape(a.shape))
    return g.astype(a.dtype)


def loss(a):
    return (0.35 * a * a - 0.1 / 3 * np.cos(3 * a)).sum()


class Run:
    """An optimizer of one library on the problem."""

    def __init__(self, torch, name, options, dtype="float64", groups=None, arrays=None):
        self.torch, self.name, self.dtype = torch, name, dtype
        arrays = start(dtype) if arrays is None else arrays
        self.params = [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]
        self.optimizer = getattr(torch.optim, name)(
            groups(self.params) if groups else self.params, **options)

    def set_gradients(self, t):
        for param in self.params:
            param.grad = self.torch.from_numpy(gradient(param.detach().numpy(), t))

    def closure(self):
        self.set_gradients(None)
        total = sum(loss(param.detach().numpy()) for param in self.params)
        return self.torch.from_numpy(np.asarray(total, self.dtype))

    def steps(self, first, last):
        """Do the steps; the parameters after each, as arrays."""
        track = []
        for t in range(first, last):
            self.optimizer.zero_grad()
            if self.name == "LBFGS":
                self.optimizer.step(self.closure)
            else:
                self.set_gradients(t)
                self.optimizer.step()
            track.append([param.detach().numpy().copy() for param in self.params])
        return track
