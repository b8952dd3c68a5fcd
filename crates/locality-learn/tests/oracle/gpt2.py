"""Writes gpt2.json: a small GPT-2 of drawn numbers under the published names, and the logits that PyTorch computes of it.

Needs torch (2.15.0 wrote the file). Run it in this folder.
"""

import json
import pathlib

import torch
from torch.nn import functional

here = pathlib.Path(__file__).resolve().parent
CODES, CONTEXT, WIDTH, HEADS, HIDDEN, LAYERS = 19, 8, 8, 2, 12, 2
INPUT = [3, 18, 0, 3, 7, 11, 2, 16]


def main() -> None:
    torch.manual_seed(1)
    t = {}

    def draw(name: str, *shape: int, middle: float = 0.0) -> None:
        # Multiples of 1/64, which every type of number holds.
        t[name] = middle + torch.randint(-30, 31, shape).double() / 64

    draw("wte.weight", CODES, WIDTH)
    draw("wpe.weight", CONTEXT, WIDTH)
    for i in range(LAYERS):
        for name, inputs, outputs in [
            ("attn.c_attn", WIDTH, 3 * WIDTH),
            ("attn.c_proj", WIDTH, WIDTH),
            ("mlp.c_fc", WIDTH, HIDDEN),
            ("mlp.c_proj", HIDDEN, WIDTH),
        ]:
            draw(f"h.{i}.{name}.weight", inputs, outputs)
            draw(f"h.{i}.{name}.bias", outputs)
        for name in ("ln_1", "ln_2"):
            draw(f"h.{i}.{name}.weight", WIDTH, middle=1.0)
            draw(f"h.{i}.{name}.bias", WIDTH)
    draw("ln_f.weight", WIDTH, middle=1.0)
    draw("ln_f.bias", WIDTH)

    def norm(x, name):
        return functional.layer_norm(x, (WIDTH,), t[f"{name}.weight"], t[f"{name}.bias"], 1e-5)

    def linear(x, name):
        return x @ t[f"{name}.weight"] + t[f"{name}.bias"]

    x = t["wte.weight"][INPUT] + t["wpe.weight"][: len(INPUT)]
    for i in range(LAYERS):
        parts = linear(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn").split(WIDTH, dim=-1)
        q, k, v = (p.view(len(INPUT), HEADS, -1).transpose(0, 1)[None] for p in parts)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + linear(mixed[0].transpose(0, 1).reshape(len(INPUT), WIDTH), f"h.{i}.attn.c_proj")
        inner = functional.gelu(linear(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc"), approximate="tanh")
        x = x + linear(inner, f"h.{i}.mlp.c_proj")
    logits = norm(x, "ln_f") @ t["wte.weight"].T
    config = {
        "model_type": "gpt2",
        "n_embd": WIDTH,
        "n_layer": LAYERS,
        "n_head": HEADS,
        "n_inner": HIDDEN,
        "n_positions": CONTEXT,
        "vocab_size": CODES,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
    }
    tensors = {name: {"shape": list(x.shape), "sixty_fourths": (64 * x).long().flatten().tolist()} for name, x in t.items()}
    out = {"config": config, "tensors": tensors, "input": INPUT, "logits": logits.tolist()}
    (here / "gpt2.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


main()
