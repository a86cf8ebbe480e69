"""A small Muon optimizer: orthogonalised momentum for the weight matrices, AdamW for everything else."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def orthogonalised(matrix: Tensor, steps: int = 5) -> Tensor:
    """Find the nearest half-orthogonal matrix by the quintic Newton-Schulz iteration, in bfloat16.

    Parameters
    ----------
    matrix : Tensor
        Two-dimensional update direction.
    steps : int
        Iterations.

    Returns
    -------
    Tensor
        Matrix of the same shape whose singular values are all near one.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Muon for matrices and convolution kernels, scaled so that learning rates of AdamW fit.

    Parameters
    ----------
    parameters : iterable of Tensor
        Weights of two or more dimensions; kernels are flattened to (out, in x height x width).
    lr : float
        Learning rate.
    momentum : float
        Nesterov momentum.
    weight_decay : float
        Decoupled weight decay.
    """

    def __init__(
        self, parameters: Iterable[Tensor], lr: float = 1e-3, momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # noqa: ARG002 - the signature of torch
        """Apply one update."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["velocity"] = torch.zeros_like(p)
                velocity = state["velocity"].lerp_(p.grad, 1 - group["momentum"])
                direction = p.grad.lerp(velocity, group["momentum"]).flatten(1)
                update = orthogonalised(direction) * (0.2 * max(direction.shape) ** 0.5)
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update.view_as(p), alpha=-group["lr"])


def build_optimizers(model: nn.Module, lr: float, kind: str = "muon") -> list[torch.optim.Optimizer]:
    """Make the optimizers for a UNet: Muon for the inner matrices, AdamW for biases, norms and the outer layers."""
    inner, outer = [], []
    for name, p in model.named_parameters():
        matrix = p.ndim >= 2 and not name.startswith(("conv_in", "conv_out")) and min(p.flatten(1).shape) > 8
        (inner if matrix and kind == "muon" else outer).append(p)
    adam = torch.optim.AdamW(outer, lr=lr, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    return [Muon(inner, lr=lr), adam] if inner else [adam]
