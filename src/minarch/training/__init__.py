"""Training and evaluating one network. Only torch, numpy and safetensors."""
