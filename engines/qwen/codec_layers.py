"""The layers of the 12 Hz codec's decoder, made to run chunk by chunk.

Each keeps what the next chunk needs of this one, and takes its weights from an official module, which
stays as it is. Sounds lie as [T, channels], so that convolutions of few steps are plain matrix
products: at a frame or two at a time most of their cost was rearranging weights. Activations are
float32; weights may be bfloat16 or float16, and then only the products are taken in those.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from engines.qwen.stack import product, rotation_table

#: From so many input steps on, a convolution beats its matrix product on the CPU: the product copies
#: every step once for each tap.
_CONVOLVE_FROM = 128


class Dense:
    """A linear layer, or several of one input side by side, from [T, in] to [T, out]."""

    def __init__(self, dtype: torch.dtype, *linears: Any) -> None:
        weights = [linear.weight.detach().to(dtype) for linear in linears]
        self._weight = weights[0].flatten(1) if len(weights) == 1 else torch.cat(weights)
        self._bias = None if linears[0].bias is None else torch.cat([each.bias for each in linears])
        if self._bias is not None:
            self._bias = self._bias.detach().to(dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return product(x.to(self._weight.dtype), self._weight, self._bias)


class Conv:
    """A causal convolution; keeps the last inputs that its kernel still reaches."""

    stride = 1

    def __init__(self, module: Any, dtype: torch.dtype) -> None:
        """`module`: a Qwen3TTSTokenizerV2CausalConvNet."""
        conv = module.conv
        self.reach: int = module.padding  # input steps before the current one
        self._taps: int = conv.kernel_size[0]
        self._dilation: int = conv.dilation[0]
        self._depthwise = conv.groups > 1
        self._width: int = conv.in_channels
        weight = conv.weight.detach().to(dtype)  # [out, in / groups, taps]
        self._bias = conv.bias.detach().to(dtype)
        self._by_taps = weight[:, 0].t().contiguous() if self._depthwise else _taps_first(weight)
        self._on_cpu = weight.device.type == "cpu"
        self.reset()

    def reset(self) -> None:
        self._past = self._bias.new_zeros(self.reach, self._width)

    def __call__(self, x: Tensor) -> Tensor:
        """[T, in] to [T, out]."""
        steps = x.shape[0]
        x = x.to(self._bias.dtype)
        if self.reach:
            x = torch.cat((self._past, x))
            self._past = x[-self.reach :]
        if self._depthwise:
            return (self._unfolded(x, steps) * self._by_taps).sum(1) + self._bias
        if self._taps == 1:
            return product(x, self._by_taps, self._bias)
        if self._on_cpu and steps >= _CONVOLVE_FROM:
            return self._convolved(x)
        return product(self._unfolded(x, steps).reshape(steps, -1), self._by_taps, self._bias)

    def _unfolded(self, x: Tensor, steps: int) -> Tensor:
        """[steps, taps, in]: what each output step sees."""
        width = x.shape[1]
        return x.contiguous().as_strided(
            (steps, self._taps, width), (width, self._dilation * width, 1), x.storage_offset()
        )

    def _convolved(self, x: Tensor) -> Tensor:
        """By oneDNN's convolution in the channels-last layout, which [T, channels] already has."""
        length, width = x.shape
        image = x.contiguous().as_strided(
            (1, width, 1, length), (length * width, 1, length * width, width), x.storage_offset()
        )
        kernel = self._by_taps.view(-1, 1, self._taps, width).permute(0, 3, 1, 2)
        return functional.conv2d(image, kernel, self._bias, dilation=(1, self._dilation))[0, :, 0].t()


def _taps_first(weight: Tensor) -> Tensor:
    """[out, in, taps] as [out, taps * in], as `Conv._unfolded` lays out its inputs."""
    return weight.permute(0, 2, 1).reshape(weight.shape[0], -1)


class Upsample:
    """A causal transposed convolution; keeps what its last input adds to the next outputs."""

    def __init__(self, module: Any, dtype: torch.dtype) -> None:
        """`module`: a Qwen3TTSTokenizerV2CausalTransConvNet whose kernel is at most two strides."""
        conv = module.conv
        self.stride: int = conv.stride[0]
        self._tail: int = module.right_pad
        self.reach = 1 if self._tail else 0
        self._width: int = conv.out_channels
        weight = conv.weight.detach().to(dtype)  # [in, out, taps]
        self._weight = weight.permute(2, 1, 0).reshape(-1, conv.in_channels)
        bias = conv.bias.detach().to(dtype)
        self._bias = torch.cat((bias.repeat(self.stride), bias.new_zeros(self._tail * self._width)))
        self.reset()

    def reset(self) -> None:
        self._past = self._bias.new_zeros(1, self._tail, self._width)

    def __call__(self, x: Tensor) -> Tensor:
        """[T, in] to [T * stride, out] float32."""
        y = product(x.to(self._weight.dtype), self._weight, self._bias)
        y = y.reshape(x.shape[0], -1, self._width)
        out = y[:, : self.stride].float()
        if self._tail:
            tails = torch.cat((self._past, y[:, self.stride :]))
            self._past = tails[-1:]
            out[:, : self._tail] += tails[:-1]
        return out.reshape(-1, self._width)


class Snake:
    """x + sin(a x)^2 / b, with a and b of each channel (Liu et al. 2020)."""

    def __init__(self, module: Any) -> None:
        self._alpha = module.alpha.detach().float().exp()
        self._scale = 1.0 / (module.beta.detach().float().exp() + module.no_div_by_zero)

    def __call__(self, x: Tensor) -> Tensor:
        x = x.float()
        wave = (x * self._alpha).sin_()
        return torch.addcmul(x, self._scale, wave.mul_(wave))


class Residual:
    """Snake, a dilated convolution, snake, a mixing of the channels, and the input added."""

    def __init__(self, module: Any, dtype: torch.dtype) -> None:
        self._act1, self._act2 = Snake(module.act1), Snake(module.act2)
        self.conv, self._mix = Conv(module.conv1, dtype), Conv(module.conv2, dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return x + self._mix(self._act2(self.conv(self._act1(x))))


class ConvNeXt:
    """A depthwise convolution and an MLP of each step, and the input added (Liu et al. 2022)."""

    def __init__(self, module: Any, dtype: torch.dtype) -> None:
        self.conv = Conv(module.dwconv, torch.float32)
        self._norm = (module.norm.weight.detach().float(), module.norm.bias.detach().float())
        self._eps: float = module.norm.eps
        self._in, self._out = Dense(dtype, module.pwconv1), Dense(dtype, module.pwconv2)
        self._gamma = module.gamma.detach().float()

    def __call__(self, x: Tensor) -> Tensor:
        y = functional.layer_norm(self.conv(x), self._gamma.shape, *self._norm, self._eps)
        return x + self._gamma * self._out(functional.gelu(self._in(y)))


class Transformer:
    """The decoder's transformer; keeps the keys and values that its sliding window still sees."""

    def __init__(self, module: Any, dtype: torch.dtype) -> None:
        """`module`: a Qwen3TTSTokenizerV2DecoderTransformerModel."""
        self.window: int = module.window_size
        self._rotary = module.rotary_emb
        self._in, self._out = Dense(dtype, module.input_proj), Dense(dtype, module.output_proj)
        self._layers = [TransformerLayer(layer, dtype) for layer in module.layers]
        self._norm = Norm(module.norm)
        self.reset()

    def reset(self) -> None:
        self._position = 0
        for layer in self._layers:
            layer.reset()

    def __call__(self, x: Tensor) -> Tensor:
        """[T, latent] to [T, latent]."""
        steps = x.shape[0]
        rotation = rotation_table(self._rotary, self._position, steps, torch.float32)
        mask = self._mask(steps, x.device)
        self._position += steps
        x = self._in(x).float()
        for layer in self._layers:
            x = layer(x, rotation, mask, self.window - 1)
        return self._out(self._norm(x))

    def _mask(self, steps: int, device: torch.device) -> Tensor | None:
        """[steps, kept + steps] bool: what each step may see. None: everything."""
        if steps == 1:
            return None
        kept = min(self._position, self.window - 1)
        keys = torch.arange(kept + steps, device=device)
        ahead = keys - (kept + torch.arange(steps, device=device)[:, None])
        return (ahead <= 0) & (ahead > -self.window)


class TransformerLayer:
    """Attention and a gated MLP, each scaled channel by channel before it is added."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self._head_dim: int = attention.head_dim
        self._heads = attention.q_proj.out_features // self._head_dim
        self._kv_heads = attention.k_proj.out_features // self._head_dim
        self._qkv = Dense(dtype, attention.q_proj, attention.k_proj, attention.v_proj)
        self._out = Dense(dtype, attention.o_proj)
        self._gate_up, self._down = Dense(dtype, mlp.gate_proj, mlp.up_proj), Dense(dtype, mlp.down_proj)
        self._activation = mlp.act_fn
        self._before, self._between = Norm(layer.input_layernorm), Norm(layer.post_attention_layernorm)
        self._scale1 = layer.self_attn_layer_scale.scale.detach().float()
        self._scale2 = layer.mlp_layer_scale.scale.detach().float()
        self.reset()

    def reset(self) -> None:
        self._kept = self._scale1.new_empty(2, self._kv_heads, 0, self._head_dim)

    def __call__(
        self, x: Tensor, rotation: tuple[Tensor, Tensor], mask: Tensor | None, keep: int
    ) -> Tensor:
        qkv = self._qkv(self._before(x)).float().reshape(x.shape[0], -1, self._head_dim)
        turned = self._heads + self._kv_heads
        qk, cos, sin = qkv[:, :turned], *rotation
        qk = qk * cos + qk.roll(self._head_dim // 2, -1) * sin
        new = torch.stack((qk[:, self._heads :], qkv[:, turned:])).transpose(1, 2)
        both = torch.cat((self._kept, new), 2)
        # A copy, for a view would keep the memory of the whole chunk.
        self._kept = both[:, :, max(0, both.shape[2] - keep) :].clone()
        keys, values = both.repeat_interleave(self._heads // self._kv_heads, 1)
        heard = functional.scaled_dot_product_attention(
            qk[:, : self._heads].transpose(0, 1)[None], keys[None], values[None], mask
        )
        x = x + self._scale1 * self._out(heard[0].transpose(0, 1).flatten(1))
        gate, up = self._gate_up(self._between(x)).chunk(2, -1)
        return x + self._scale2 * self._down(self._activation(gate) * up)


class Norm:
    """The RMS norm of an official module, in float32."""

    def __init__(self, module: Any) -> None:
        self._weight, self._eps = module.weight.detach().float(), module.variance_epsilon

    def __call__(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, self._weight.shape, self._weight, self._eps)
