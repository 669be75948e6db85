"""Programs as users of PyTorch write them: they say `import torch` and know nothing of learntorch.

    python -m tests.examples.make_mnist data          # digits, where MNIST itself is not at hand
    learntorch run tests/examples/mnist.py --data data
    python tests/examples/mnist.py --data data        # the same, on PyTorch
"""
