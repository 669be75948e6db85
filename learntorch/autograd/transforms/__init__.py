"""What learntorch.func is made of: batched tensors and their rules, vmap, grad, vjp, jvp."""
