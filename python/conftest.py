"""What the tests are collected from."""

from importlib.util import find_spec

# The operation of PyTorch can only be imported beside it.
collect_ignore = [] if find_spec("torch") else ["locality/torch.py"]
