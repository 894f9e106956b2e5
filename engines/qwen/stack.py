"""A Qwen3 decoder stack run at batch 1 with the weights of the official modules.

The talker and its code predictor are such stacks, and what they cost at batch 1 is reading weights.
So projections of the same input are fused into one, and everything around them is kept to few
operations: q and k are normalised and turned together, and keys go where they stay. A processor does
all but the products in float32, whatever the weights are: for a row of numbers its bfloat16 operations
are the slower ones, and so they are the more exact ones as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from engines.lora import Adapted, beside
from engines.qwen.quantization import FEW_ROWS, Int8Linear, SharedWeight

Projection = Callable[[Tensor], Tensor]

#: From so many rows on, arithmetic counts for more than reading the weight.
_MANY_ROWS = 64


class Cache(Protocol):
    """Where a stack keeps the keys and values of what it has read."""

    def rotation(self, count: int) -> tuple[Tensor, Tensor]:
        """Cosine and signed sine [count, 1, head_dim] of the next `count` positions."""

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Keep k and v [T, kv_heads, head_dim]; attend with q [T, heads, head_dim] to all kept ones.

        Returns [T, heads * head_dim]."""


class Stack:
    """`model` is a Qwen3TTSTalkerModel or a Qwen3TTSTalkerCodePredictorModel."""

    def __init__(self, model: Any) -> None:
        self.layers = [Layer(layer) for layer in model.layers]
        self.rotary = model.rotary_emb
        self._norm = norm(model.norm)
        weight = model.norm.weight
        #: Of hidden states, keys and values.
        self.dtype: torch.dtype = torch.float32 if weight.device.type == "cpu" else weight.dtype
        self._int8 = Int8Step.of(self.layers)

    def __call__(self, x: Tensor, cache: Cache) -> Tensor:
        """Hidden states [T, hidden] of the next positions, given their embeddings [T, hidden]."""
        x = x.to(self.dtype)
        if self._int8 is not None and x.shape[0] <= FEW_ROWS and isinstance(cache, GrowingCache):
            steps = [self._int8(row, cache) for row in x]
            return self._norm(torch.stack(steps))
        rotation = cache.rotation(x.shape[0])
        for index, layer in enumerate(self.layers):
            x = layer(index, x, rotation, cache)
        return self._norm(x)


class Layer:
    """One decoder layer: attention with normalised q and k, then a gated MLP."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.head_dim: int = attention.head_dim
        self.heads = attention.q_proj.out_features // self.head_dim
        self.kv_heads = attention.k_proj.out_features // self.head_dim
        self._qkv = fused((attention.q_proj, attention.k_proj, attention.v_proj))
        self._out = fused((attention.o_proj,))
        self._gate_up = fused((mlp.gate_proj, mlp.up_proj))
        self._down = fused((mlp.down_proj,))
        self._activation = mlp.act_fn
        self._before, self._between = norm(layer.input_layernorm), norm(layer.post_attention_layernorm)
        weights = [attention.q_norm.weight] * self.heads + [attention.k_norm.weight] * self.kv_heads
        weight = torch.stack([weight.detach() for weight in weights])
        self._qk_norm = rms_norm(weight, attention.q_norm.variance_epsilon)
        #: What a compiled layer needs besides the products; one epsilon serves all norms of Qwen3.
        self.norms = tuple(
            each.detach().float().cpu().numpy()
            for each in (layer.input_layernorm.weight, weight, layer.post_attention_layernorm.weight)
        )
        self.epsilon = float(layer.input_layernorm.variance_epsilon)

    def __call__(self, index: int, x: Tensor, rotation: tuple[Tensor, Tensor], cache: Cache) -> Tensor:
        cos, sin = rotation
        qkv = self._qkv(self._before(x)).reshape(x.shape[0], -1, self.head_dim)
        turned = self.heads + self.kv_heads
        qk = self._qk_norm(qkv[:, :turned])
        qk = qk * cos + qk.roll(self.head_dim // 2, -1) * sin
        heard = cache.attend(index, qk[:, : self.heads], qk[:, self.heads :], qkv[:, turned:])
        x = x + self._out(heard)
        gate, up = self._gate_up(self._between(x)).chunk(2, -1)
        return x + self._down(self._activation(gate) * up)

    @property
    def products(self) -> tuple[Projection, ...]:
        """In the order of their use: q, k and v; out; gate and up; down."""
        return self._qkv, self._out, self._gate_up, self._down


class Int8Step:
    """One position through all layers of a stack whose weights have 8 bits, each layer one call of
    `engines.qwen.int8_kernels.layer`."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        from engines.qwen.int8_kernels import compile_now, layer

        compile_now()
        self._layer = layer
        self._given: list[tuple[Any, np.float32, Any]] = []
        for each in layers:
            products = [part for shared in each.products for part in cast(SharedWeight, shared).arrays]
            self._given.append((each.norms, np.float32(each.epsilon), tuple(products)))

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> Int8Step | None:
        """None where a product is not one of 8 bits, as with an adapter."""
        products = [each for layer in layers for each in layer.products]
        if all(isinstance(each, SharedWeight) and each.bias is None for each in products):
            return cls(layers)
        return None

    def __call__(self, x: Tensor, cache: GrowingCache) -> Tensor:
        """Hidden states [hidden] float32 of the next position, given its embedding [hidden]."""
        cos, sin = (each[0, 0].numpy() for each in cache.rotation(1))
        kept, at = cache.kept.numpy(), cache.length - 1
        state = x.clone().numpy()
        for index, (norms, epsilon, products) in enumerate(self._given):
            self._layer(state, norms, epsilon, products, kept[0, index], kept[1, index], cos, sin, at)
        return torch.from_numpy(state)


def norm(module: Any) -> Projection:
    """The RMS norm of `module`."""
    return rms_norm(module.weight.detach(), module.variance_epsilon)


def rms_norm(weight: Tensor, eps: float) -> Projection:
    """x / sqrt(mean(x^2) + eps) * weight over the last dimension. torch's own operation does it in one
    kernel on a card, but in eight on a processor; there it is four."""
    size = weight.shape[-1]
    if weight.device.type != "cpu":
        return lambda x: functional.rms_norm(x, (size,), None, eps) * weight
    scaled = weight.float() * size**0.5
    floor = torch.tensor((eps * size) ** 0.5)

    def normalised(x: Tensor) -> Tensor:
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        return (x / torch.hypot(length, floor)).mul_(scaled)

    return normalised


def fused(linears: Sequence[Any]) -> Projection:
    """The linear modules `linears` of one input as one projection; their outputs stand side by side.

    Plain ones then share one weight: the modules keep theirs as rows of it, so that no memory is
    spent twice and the official code still finds them. Quantised ones share one already. Adapters are
    calculated beside what they adapt, all at once. Others (with a bias) are called one by one.
    """
    if all(isinstance(linear, Int8Linear) for linear in linears):
        shared = linears[0].shared
        if sum(linear.out_features for linear in linears) == shared.out_features:
            return shared
    if any(isinstance(linear, Adapted) for linear in linears):
        return _with_adapters(linears)
    if any(type(linear) is not nn.Linear or linear.bias is not None for linear in linears):
        calls = [_called(linear) for linear in linears]
        if len(calls) == 1:
            return calls[0]
        return lambda x: torch.cat([call(x) for call in calls], -1)
    weight = _shared_weight(linears)
    return lambda x: product(x, weight)


def _with_adapters(linears: Sequence[Any]) -> Projection:
    base = fused([each.base if isinstance(each, Adapted) else each for each in linears])
    adapted = [each for each in linears if isinstance(each, Adapted)]
    down = torch.cat([each.down for each in adapted])
    up = down.new_zeros(sum(each.out_features for each in linears), len(down))
    row = column = 0
    for each in linears:
        if isinstance(each, Adapted):
            ranks = each.up.shape[1]
            up[row : row + each.out_features, column : column + ranks] = each.up
            column += ranks
        row += each.out_features
    return lambda x: base(x) + beside(x, down, up).to(x.dtype)


def _called(module: Any) -> Projection:
    """`module` itself, in the dtype of its weights."""
    if type(module) is nn.Linear:
        return lambda x: product(x, module.weight, module.bias)
    first = next(module.parameters(), None)
    if first is None:  # an identity, or quantised weights, which take any dtype
        return lambda x: module(x)
    return lambda x: module(x.to(first.dtype)).to(x.dtype)


def _shared_weight(linears: Sequence[nn.Linear]) -> Tensor:
    if len(linears) == 1:
        return linears[0].weight.detach()
    first = linears[0].weight.detach()
    if _lie_together([linear.weight for linear in linears]):
        rows = sum(linear.out_features for linear in linears)
        return first.as_strided((rows, first.shape[1]), first.stride())
    with torch.no_grad():
        weight = torch.cat([linear.weight for linear in linears])
    start = 0
    for linear in linears:
        linear.weight.data = weight[start : start + linear.out_features]
        start += linear.out_features
    return weight


def _lie_together(weights: Sequence[Tensor]) -> bool:
    """Whether they are rows of one weight already, one after another."""
    place = weights[0].data_ptr()
    for weight in weights:
        shares = weight.untyped_storage().data_ptr() == weights[0].untyped_storage().data_ptr()
        if not (shares and weight.is_contiguous() and weight.data_ptr() == place):
            return False
        place += weight.numel() * weight.element_size()
    return True


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x [T, in] times `weight` [out, in], and `bias` [out] added; taken in the weight's dtype, given
    in that of `x`.

    At few rows what counts is how fast the weight is read. torch's bfloat16 products on a CPU read it
    a third faster in these two forms than in `linear`; the second's result is a transposed view.
    """
    rows = x.shape[0]
    if rows >= _MANY_ROWS or weight.device.type != "cpu" or weight.dtype != torch.bfloat16:
        return functional.linear(x.to(weight.dtype), weight, bias).to(x.dtype)
    y = x.to(weight.dtype)
    y = torch.mv(weight, y[0])[None] if rows == 1 else torch.mm(weight, y.t()).t()
    return (y if bias is None else y + bias).to(x.dtype)


def rotation_table(rotary: Any, start: int, count: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosine and sine [count, 1, head_dim] of positions from `start` on; the sine has the sign that
    a half-rotation by `roll` needs. The talker's three-dimensional positions are all the same here."""
    frequencies = rotary.inv_freq.float()
    positions = torch.arange(start, start + count, device=frequencies.device).float()
    angles = positions[:, None, None] * frequencies
    cos, sin = angles.cos() * rotary.attention_scaling, angles.sin() * rotary.attention_scaling
    return torch.cat((cos, cos), -1).to(dtype), torch.cat((-sin, sin), -1).to(dtype)


class GrowingCache:
    """Keys and values in memory that grows by `block` positions whenever it is full."""

    def __init__(self, stack: Stack, device: torch.device, block: int = 256) -> None:
        first = stack.layers[0]
        self._rotary, self._block = stack.rotary, block
        # [keys or values, layers, kv_heads, capacity, head_dim]
        shape = (2, len(stack.layers), first.kv_heads, 0, first.head_dim)
        self._kept = torch.empty(shape, dtype=stack.dtype, device=device)
        self._cos = self._sin = self._kept.new_empty(0, 1, first.head_dim)
        self._start = self._end = 0

    def reset(self) -> None:
        """Forget everything; the memory stays."""
        self._start = self._end = 0

    @property
    def kept(self) -> Tensor:
        """Keys and values [2, layers, kv_heads, capacity, head_dim]; what is not read yet is noise."""
        return self._kept

    @property
    def length(self) -> int:
        """Positions kept."""
        return self._end

    def rotation(self, count: int) -> tuple[Tensor, Tensor]:
        self._start, self._end = self._end, self._end + count
        capacity = self._kept.shape[3]
        if self._end > capacity:
            self._grow(-(-(self._end - capacity) // self._block) * self._block)
        return self._cos[self._start : self._end], self._sin[self._start : self._end]

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        keys, values = self._kept[0, layer], self._kept[1, layer]
        keys[:, self._start : self._end] = k.transpose(0, 1)
        values[:, self._start : self._end] = v.transpose(0, 1)
        keys, values = keys[:, : self._end], values[:, : self._end]
        if q.shape[0] == 1:
            return attend_once(q, keys, values, None)
        if self._start:
            raise ValueError("Several positions at once are read only at the start.")
        groups = q.shape[1] // keys.shape[0]
        keys, values = keys.repeat_interleave(groups, 0), values.repeat_interleave(groups, 0)
        heard = functional.scaled_dot_product_attention(
            q.transpose(0, 1)[None], keys[None], values[None], is_causal=True
        )
        return heard[0].transpose(0, 1).flatten(1)

    def _grow(self, more: int) -> None:
        layers, heads, capacity, width = self._kept.shape[1:]
        room = self._kept.new_empty(2, layers, heads, more, width)
        self._kept = torch.cat((self._kept, room), 3)
        cos, sin = rotation_table(self._rotary, capacity, more, self._kept.dtype)
        self._cos, self._sin = torch.cat((self._cos, cos)), torch.cat((self._sin, sin))


def attend_once(q: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """One position's q [1, heads, head_dim] over [kv_heads, n, head_dim], `mask` [1, n] bool where
    some are no part of it; returns [1, heads * head_dim]. No key is repeated."""
    # Heads that share keys are rows of one query.
    grouped = q.view(1, keys.shape[0], -1, q.shape[2])
    heard = functional.scaled_dot_product_attention(grouped, keys[None], values[None], mask)
    return heard.reshape(1, -1)
