"""Composites that an interceptor may take over as a whole.

A composite is plain Python on other ops, and an interceptor sees those ops. That is not enough
where the composite looks at numbers (the indices of `embedding`, the targets of `cross_entropy`)
or draws some: under `vmap` there is no one number to look at. These say so here, by their keys in
the registry, and ask the interceptor first; who is not asked for pays nothing.
"""

from functools import update_wrapper

from learntorch.core.ambient import ambient, transform_in

RANDOM = frozenset("""
    dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout feature_alpha_dropout
    native_dropout rrelu gumbel_softmax rand randn randint randperm rand_like randn_like
    randint_like normal bernoulli multinomial poisson binomial _standard_gamma _sample_dirichlet
    fractional_max_pool2d fractional_max_pool3d uniform_ normal_ random_ bernoulli_ exponential_
    geometric_ cauchy_ log_normal_""".split())

READING = frozenset("""
    embedding embedding_bag one_hot nll_loss cross_entropy linear_cross_entropy ctc_loss
    binary_cross_entropy gaussian_nll_loss multi_margin_loss multilabel_margin_loss batch_norm
    instance_norm equal allclose is_nonzero nonzero nonzero_static argwhere masked_select
    repeat_interleave unique_consecutive unique histc bincount histogram histogramdd unravel_index
    gather scatter scatter_add scatter_reduce index_select index_add index_copy index_fill
    index_reduce index_put take put take_along_dim masked_scatter searchsorted bucketize quantile
    nanquantile cov max_unpool1d max_unpool2d max_unpool3d linalg.cholesky linalg.cholesky_ex
    linalg.solve_ex linalg.inv_ex linalg.cond cholesky cholesky_inverse rnn_tanh rnn_relu gru lstm
    zeros_like ones_like empty_like full_like new_zeros new_ones new_empty new_full""".split())

WATCHED = RANDOM | READING


def watched(op, function):
    """`function`, which asks an interceptor first. `call.plain` is the function itself."""
    if op.key not in WATCHED:
        return function

    def call(*args, **named):
        state = ambient.state
        if state.intercept is not None:
            asked = transform_in(state)
            if asked is not None:
                return asked(call, args, named)
        return function(*args, **named)
    update_wrapper(call, function)
    call.plain = function
    call.op = op
    return call
