"""Training and evaluating one network. Only torch, numpy and safetensors."""

FORWARD_PASSES = 3  # that a step costs: its own, and the gradients of the values and of the weights
