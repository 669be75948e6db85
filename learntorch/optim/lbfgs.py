"""L-BFGS: Newton's method with a curvature guessed from the last few steps."""

import numpy as np

from learntorch.core.ambient import enable_grad, no_grad
from learntorch.core.graph import touch
from learntorch.core.tensor import Tensor, wrap
from learntorch.optim.optimizer import Optimizer
from learntorch.optim.stepping import check_lr, number, pairs
from learntorch.optim.wolfe import Point, Search


def two_loops(g, history, scale):
    """−H g, where H is the inverse curvature that the history of (y, s, 1/yᵀs) tells of.

    q = −g; newest to oldest: αᵢ = sᵢᵀq / yᵢᵀsᵢ, q ← q − αᵢ yᵢ; r = H₀ q;
    oldest to newest: r ← r + (αᵢ − yᵢᵀr / yᵢᵀsᵢ) sᵢ.
    """
    q = -g
    alphas = []
    for y, s, rho in reversed(history):
        alpha = s.dot(q) * rho
        alphas.append(alpha)
        q += -alpha * y
    r = q * scale
    for (y, s, rho), alpha in zip(history, reversed(alphas), strict=True):
        r += (alpha - y.dot(r) * rho) * s
    return r


class Memory:
    """What L-BFGS keeps between two iterations, as raw arrays and numbers.

    It is read from the state of the first parameter and written back there, under PyTorch's names.
    """

    def __init__(self, state):
        self.iterations = state.get("n_iter", 0)
        self.direction = _bare(state.get("d"))
        self.t = _bare(state.get("t"))
        names = ("old_dirs", "old_stps", "ro")
        columns = [[_bare(x) for x in state.get(name) or []] for name in names]
        self.history = list(zip(*columns, strict=True))
        self.scale = _bare(state.get("H_diag", 1))
        self.grad = _bare(state.get("prev_flat_grad"))
        self.loss = state.get("prev_loss")

    def save(self, state, history_size):
        columns = list(zip(*self.history, strict=True)) or [(), (), ()]
        state.update(d=_dressed(self.direction), t=_dressed(self.t))
        for name, column in zip(("old_dirs", "old_stps", "ro"), columns, strict=True):
            state[name] = [_dressed(x) for x in column]
        state.update(H_diag=_dressed(self.scale), prev_flat_grad=_dressed(self.grad),
                     prev_loss=self.loss)
        if self.iterations > 1:
            state.setdefault("al", [None] * history_size)

    def turn(self, g, history_size):
        """The next direction of descent, after learning from the last step."""
        if self.iterations == 1:
            self.history = []
            self.scale = 1
            self.direction = -g
            return
        y = g - self.grad
        s = self.direction * self.t
        curvature = y.dot(s)
        if curvature > 1e-10:
            if len(self.history) == history_size:
                self.history.pop(0)
            self.history.append((y, s, 1.0 / curvature))
            self.scale = curvature / y.dot(y)
        self.direction = two_loops(g, self.history, self.scale)


def _bare(x):
    """The array in a Tensor; of a 0-d one the NumPy number, so that arithmetic keeps its dtype."""
    return x._data[()] if isinstance(x, Tensor) else x


def _dressed(x):
    return wrap(np.asarray(x)) if isinstance(x, (np.ndarray, np.generic)) else x


class LBFGS(Optimizer):
    """θ ← θ + t d, with d = −H g; H comes from the last steps, t from `lr` or a line search.

    All parameters are taken as one long vector. From each step s = t d and change of gradient y the
    inverse curvature H is guessed, without ever being written down. One call of `step` does up to
    `max_iter` iterations and calls `closure` up to `max_eval` times (None: 5/4 · `max_iter`): the
    closure clears the gradients, computes the loss, calls `backward()` and returns the loss.

    It stops early where the largest gradient is at most `tolerance_grad`, or the step or the change
    of the loss at most `tolerance_change`. `history_size` pairs (s, y) are kept: memory for twice
    as many copies of all parameters. `line_search_fn` is None (t is `lr`) or "strong_wolfe".

    One group of parameters only. Raises ValueError for options out of range.
    Source: Liu, Nocedal: On the limited memory BFGS method for large scale optimization, Math.
    Programming 45, 1989; Nocedal, Wright: Numerical optimization, algorithms 7.4 and 7.5.
    """

    def __init__(self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7,
                 tolerance_change=1e-9, history_size=100, line_search_fn=None):
        check_lr(lr)
        if max_eval is None:
            max_eval = max_iter * 5 // 4
        defaults = {"lr": lr, "max_iter": max_iter, "max_eval": max_eval,
                    "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
                    "history_size": history_size, "line_search_fn": line_search_fn}
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self):
        return self.param_groups[0]["params"]

    # ---- the parameters as one vector

    def _gradient(self):
        parts = []
        for param in self._params:
            if param.grad is None:
                parts.append(np.zeros_like(pairs(param.detach())._data).ravel())
            else:
                parts.append(pairs(param.grad.detach())._data.ravel())
        return np.concatenate(parts)

    def _move(self, t, direction):
        start = 0
        for param in self._params:
            p = pairs(param.detach())._data
            p += (t * direction[start:start + p.size]).reshape(p.shape)
            start += p.size
            touch(param)

    def _positions(self):
        return [param._data.copy() for param in self._params]

    def _return_to(self, positions):
        for param, position in zip(self._params, positions, strict=True):
            param._data[...] = position
            touch(param)

    # ---- one step

    @no_grad()
    def step(self, closure):
        """Several iterations of L-BFGS; `closure()` computes the loss and its gradients anew.

        Returns the loss at the start.
        """
        group = self.param_groups[0]
        tolerance_grad = group["tolerance_grad"]
        closure = enable_grad()(closure)
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        state["func_evals"] += 1
        now = Point(0, scalar(first_loss), self._gradient(), None)
        if abs(now.grad).max() <= tolerance_grad:
            return first_loss
        memory = Memory(state)
        self._iterate(closure, group, state, memory, now)
        memory.save(state, group["history_size"])
        return first_loss

    def _iterate(self, closure, group, state, memory, now):
        max_iter, max_eval = group["max_iter"], group["max_eval"]
        small, lr = group["tolerance_change"], number(group["lr"])
        evaluations = 1
        for n in range(1, max_iter + 1):
            memory.iterations += 1
            state["n_iter"] += 1
            g = now.grad
            memory.turn(g, group["history_size"])
            memory.grad, memory.loss = g.copy(), now.loss
            memory.t = min(1.0, 1.0 / abs(g).sum()) * lr if memory.iterations == 1 else lr
            slope = g.dot(memory.direction)
            if slope > -small:
                break
            start = Point(0, now.loss, g, slope)
            now, spent = self._advance(closure, group, memory, start, n == max_iter,
                                       max_eval - evaluations)
            evaluations += spent
            state["func_evals"] += spent
            if n == max_iter or evaluations >= max_eval:
                break
            if abs(now.grad).max() <= group["tolerance_grad"]:
                break
            if abs(memory.direction * memory.t).max() <= small:
                break
            if abs(now.loss - memory.loss) < small:
                break

    def _advance(self, closure, group, memory, start, last, evaluations):
        """Move along the direction; returns the new Point and the number of calls it took."""
        if group["line_search_fn"] is None:
            self._move(memory.t, memory.direction)
            if last:            # the next call of step begins by evaluating here
                return start, 0
            return Point(memory.t, scalar(closure()), self._gradient(), None), 1
        if group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        positions, d = self._positions(), memory.direction

        def phi(t):
            self._move(t, d)
            loss, g = scalar(closure()), self._gradient()
            self._return_to(positions)
            return Point(t, loss, g, g.dot(d))

        search = Search(phi, start, abs(d).max(), 1e-9, evaluations)
        found = search.run(memory.t)
        memory.t = found.t
        self._move(memory.t, d)
        return found, search.evaluations


def scalar(loss):
    """What a closure returned, a tensor or a number, as a number."""
    return loss.item() if isinstance(loss, Tensor) else float(loss)
