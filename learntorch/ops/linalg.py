"""Matrices taken apart."""

from learntorch.core.op import nary


@nary(name="linalg.svdvals", space="linalg", method=False, out=True, names=("A",), grad="LinalgSvd",
      refuses="linalg_svd", result="real")
def svdvals(xp, x):
    """The singular values of each matrix in the last two dimensions, largest first: (…, n, m) →
    (…, min(n, m)).
    """
    if x.ndim < 2:
        raise RuntimeError("linalg.svdvals: The input tensor A must have at least 2 dimensions.")
    return xp.linalg.svd(x, compute_uv=False)
svdvals.vjp(x=lambda xp, g, x: xp.singular_directions(g, x))


@nary(tensors=("x", "y"), space="rules")
def singular_directions(xp, x, y):
    """Σᵢ xᵢ uᵢ vᵢᵀ, u and v the singular vectors of y: how singular values move with the matrix."""
    u, _, vh = xp.linalg.svd(y, full_matrices=False)
    return xp.matmul((u * xp.expand_dims(x, -2)).conj(), vh.conj())
singular_directions.vjp(x=lambda xp, g: xp.no_second_derivative(g),
                        y=lambda xp, g: xp.no_second_derivative(g))


@nary(space="rules")
def no_second_derivative(x):
    """Refuse, rather than count the directions as constant."""
    raise RuntimeError("the second derivative of linalg.svdvals is not implemented")
