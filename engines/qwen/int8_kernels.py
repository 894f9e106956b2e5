"""One position through a decoder layer with weights of 8 bits, compiled by Numba for this processor.

At one position a layer is some 40 small operations around four products that only read their weight.
torch takes longer to begin those operations than to do them, and multiplies 8 by 8 bits, so that the
activations have to be rounded as well. Here a layer is one call, and activations stay float32.
Compiling takes some seconds, once: Numba keeps the result beside this file or in the user's cache.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Int8 = NDArray[np.int8]
Floats = NDArray[np.float32]

#: What may change the last bits of a sum but not what happens to infinities.
_FASTMATH = {"reassoc", "contract", "arcp", "nsz"}
_compiled = njit(nogil=True, fastmath=_FASTMATH, cache=True, error_model="numpy")


@_compiled
def product(weight: Int8, scales: Floats, x: Floats, y: Floats) -> None:
    """y [out] = weight [out, in] int8 times x [in] float32, each row times its scale [out] float32."""
    rows, width = weight.shape
    part = rows // 8  # eight places to read from: the processor fetches ahead in each of them
    for i in range(part):
        a = b = c = d = e = f = g = h = np.float32(0)
        row_a, row_b, row_c, row_d = (
            weight[i],
            weight[i + part],
            weight[i + 2 * part],
            weight[i + 3 * part],
        )
        row_e, row_f = weight[i + 4 * part], weight[i + 5 * part]
        row_g, row_h = weight[i + 6 * part], weight[i + 7 * part]
        for j in range(width):
            value = x[j]
            a += np.float32(row_a[j]) * value
            b += np.float32(row_b[j]) * value
            c += np.float32(row_c[j]) * value
            d += np.float32(row_d[j]) * value
            e += np.float32(row_e[j]) * value
            f += np.float32(row_f[j]) * value
            g += np.float32(row_g[j]) * value
            h += np.float32(row_h[j]) * value
        y[i] = a * scales[i]
        y[i + part] = b * scales[i + part]
        y[i + 2 * part] = c * scales[i + 2 * part]
        y[i + 3 * part] = d * scales[i + 3 * part]
        y[i + 4 * part] = e * scales[i + 4 * part]
        y[i + 5 * part] = f * scales[i + 5 * part]
        y[i + 6 * part] = g * scales[i + 6 * part]
        y[i + 7 * part] = h * scales[i + 7 * part]
    for i in range(8 * part, rows):
        a = np.float32(0)
        for j in range(width):
            a += np.float32(weight[i, j]) * x[j]
        y[i] = a * scales[i]


@_compiled
def _normalised(x: Floats, weight: Floats, eps: np.float32, y: Floats) -> None:
    """y = x / sqrt(mean(x^2) + eps) * weight, all [n]."""
    total = np.float32(0)
    for i in range(len(x)):
        total += x[i] * x[i]
    factor = np.float32(1 / math.sqrt(total / len(x) + eps))
    for i in range(len(x)):
        y[i] = x[i] * factor * weight[i]


@_compiled
def _turn(x: Floats, cos: Floats, sin: Floats, y: Floats) -> None:
    """y = x * cos + (x with its halves swapped) * sin, all [n]: a rotary embedding."""
    half = len(x) // 2
    for i in range(half):
        y[i] = x[i] * cos[i] + x[i + half] * sin[i]
        y[i + half] = x[i + half] * cos[i + half] + x[i] * sin[i + half]


@_compiled
def _attend(q: Floats, keys: Floats, values: Floats, weights: Floats, heard: Floats) -> None:
    """heard [width] = softmax(q [width] . keys [n, width] / sqrt(width)) . values [n, width]."""
    count, width = keys.shape
    scale = np.float32(1 / math.sqrt(width))
    top = np.float32(-np.inf)
    for t in range(count):
        dot = np.float32(0)
        key = keys[t]
        for i in range(width):
            dot += q[i] * key[i]
        weights[t] = dot * scale
        top = max(top, weights[t])
    total = np.float32(0)
    for t in range(count):
        weights[t] = math.exp(weights[t] - top)
        total += weights[t]
    heard[:] = 0
    for t in range(count):
        share = weights[t] / total
        value = values[t]
        for i in range(width):
            heard[i] += share * value[i]


@_compiled
def layer(
    x: Floats,
    norms: tuple[Floats, Floats, Floats],
    eps: np.float32,
    products: tuple[Int8, Floats, Int8, Floats, Int8, Floats, Int8, Floats],
    keys: Floats,
    values: Floats,
    cos: Floats,
    sin: Floats,
    at: int,
) -> None:
    """Take x [hidden] float32 through a layer, in place.

    norms: before attention [hidden], of q and k [heads + kv_heads, head_dim], before the MLP [hidden].
    products: weight int8 [out, in] and scales [out] of qkv, out, gate and up, down.
    keys, values: [kv_heads, capacity, head_dim]; the new ones are put at position `at`.
    cos, sin: [head_dim], the sine with the sign that `_turn` needs.
    """
    before, qk_norm, between = norms
    qkv_weight, qkv_scales, out_weight, out_scales, mlp_weight, mlp_scales, down_weight, down_scales = (
        products
    )
    kv_heads, _, width = keys.shape
    turned = len(qk_norm)
    heads = turned - kv_heads
    plain = np.empty(len(x), np.float32)
    qkv = np.empty(len(qkv_scales), np.float32)
    _normalised(x, before, eps, plain)
    product(qkv_weight, qkv_scales, plain, qkv)
    normal, q = np.empty(width, np.float32), np.empty((heads, width), np.float32)
    for head in range(turned):
        _normalised(qkv[head * width : (head + 1) * width], qk_norm[head], eps, normal)
        _turn(normal, cos, sin, q[head] if head < heads else keys[head - heads, at])
    for head in range(kv_heads):
        values[head, at] = qkv[(turned + head) * width : (turned + head + 1) * width]
    weights, heard = np.empty(at + 1, np.float32), np.empty(heads * width, np.float32)
    group = heads // kv_heads
    for head in range(heads):
        kept_keys, kept_values = keys[head // group, : at + 1], values[head // group, : at + 1]
        _attend(q[head], kept_keys, kept_values, weights, heard[head * width : (head + 1) * width])
    added = np.empty(len(x), np.float32)
    product(out_weight, out_scales, heard, added)
    for i in range(len(x)):
        x[i] += added[i]
    _normalised(x, between, eps, plain)
    gate_up = np.empty(len(mlp_scales), np.float32)
    product(mlp_weight, mlp_scales, plain, gate_up)
    inner = len(gate_up) // 2
    for i in range(inner):
        gate = gate_up[i]
        gate_up[i] = gate / (np.float32(1) + math.exp(-gate)) * gate_up[inner + i]
    product(down_weight, down_scales, gate_up[:inner], added)
    for i in range(len(x)):
        x[i] += added[i]


def compile_now() -> None:
    """Have everything compiled, so that it is part of loading and not of the first sound."""
    one, two, three = (
        np.zeros(8, np.float32),
        np.zeros((3, 2), np.float32),
        np.zeros((1, 1, 2), np.float32),
    )
    weight = np.zeros((8, 8), np.int8)
    products = (weight[:6], one[:6], weight[:, :2].copy(), one, weight, one, weight[:, :4].copy(), one)
    layer(one, (one, two[:2], one), np.float32(1), products, three, three, one[:2], one[:2], 0)
