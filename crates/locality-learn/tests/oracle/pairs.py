"""Writes pairs.json: loss and gradients, by PyTorch in double precision, of a small encoder-decoder whose parameters are a formula.

Needs torch (2.15.0 wrote the file). Run it in this folder.
"""

import json
import pathlib

import torch
from torch.nn import functional

here = pathlib.Path(__file__).resolve().parent
WIDTH, HEADS, HIDDEN, CODES, ALL = 4, 2, 6, 5, 7
BEGIN, END = 5, 6
PAIRS = [([3, 0, 4], [1, 2]), ([2], [0, 3, 3, 1]), ([1, 4, 4, 0, 2], [])]


def views() -> list:
    """Names and shapes in the order of the buffer."""

    def heads(name: str, kind: str) -> list:
        out = [(f"{name}.norm_{kind}.gain", [WIDTH]), (f"{name}.norm_{kind}.shift", [WIDTH])]
        if kind == "heads":
            parts = [("heads.project", 3 * WIDTH, WIDTH), ("heads.combine", WIDTH, WIDTH)]
        elif kind == "cross":
            parts = [("cross.queries", WIDTH, WIDTH), ("cross.keyed", 2 * WIDTH, WIDTH), ("cross.combine", WIDTH, WIDTH)]
        else:
            parts = [("map.expand", HIDDEN, WIDTH), ("map.contract", WIDTH, HIDDEN)]
        for part, outputs, inputs in parts:
            out += [(f"{name}.{part}.weight", [outputs, inputs]), (f"{name}.{part}.bias", [outputs])]
        return out

    out = [("source.embedding.weight", [CODES, WIDTH]), ("source.positions.weight", [6, WIDTH])]
    out += heads("source.layers.0", "heads") + heads("source.layers.0", "map")
    out += [("source.layers.norm.gain", [WIDTH]), ("source.layers.norm.shift", [WIDTH])]
    out += [("target.embedding.weight", [ALL, WIDTH]), ("target.positions.weight", [8, WIDTH])]
    out += heads("target.layers.0", "heads") + heads("target.layers.0", "cross") + heads("target.layers.0", "map")
    return out + [("target.layers.norm.gain", [WIDTH]), ("target.layers.norm.shift", [WIDTH])]


def main() -> None:
    p, at = {}, 0
    for name, shape in views():
        n = torch.Size(shape).numel()
        number = torch.arange(at, at + n, dtype=torch.float64)
        p[name] = (0.7 * torch.sin(number * number + 0.3 * number)).reshape(shape).requires_grad_()
        at += n

    def linear(x, name):
        return functional.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])

    def norm(x, name):
        return functional.layer_norm(x, (WIDTH,), p[f"{name}.gain"], p[f"{name}.shift"], 1e-5)

    def mix(q, k, v, causal):
        q, k, v = (x.view(len(x), HEADS, -1).transpose(0, 1)[None] for x in (q, k, v))
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return out[0].transpose(0, 1).reshape(-1, WIDTH)

    def look(x, name, causal):
        q, k, v = linear(norm(x, f"{name}.norm_heads"), f"{name}.heads.project").split(WIDTH, dim=-1)
        return x + linear(mix(q, k, v, causal), f"{name}.heads.combine")

    def site(x, name):
        inner = linear(norm(x, f"{name}.norm_map"), f"{name}.map.expand")
        return x + linear(functional.gelu(inner, approximate="tanh"), f"{name}.map.contract")

    def embed(codes, name):
        return p[f"{name}.embedding.weight"][codes] + p[f"{name}.positions.weight"][: len(codes)]

    total, count = 0.0, 0
    for source, target in PAIRS:
        rows = site(look(embed(source, "source"), "source.layers.0", False), "source.layers.0")
        rows = norm(rows, "source.layers.norm")
        name = "target.layers.0"
        x = look(embed([BEGIN, *target], "target"), name, True)
        keys, values = linear(rows, f"{name}.cross.keyed").split(WIDTH, dim=-1)
        queries = linear(norm(x, f"{name}.norm_cross"), f"{name}.cross.queries")
        x = x + linear(mix(queries, keys, values, False), f"{name}.cross.combine")
        x = norm(site(x, name), "target.layers.norm")
        scores = x @ p["target.embedding.weight"].T
        total = total + functional.cross_entropy(scores, torch.tensor([*target, END]), reduction="sum")
        count += len(target) + 1
    loss = total / count
    loss.backward()
    gradients = {name: x.grad.flatten().tolist() for name, x in p.items()}
    out = {"pairs": PAIRS, "loss": loss.item(), "gradients": gradients}
    (here / "pairs.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


main()
