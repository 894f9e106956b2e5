"""P-Net, R-Net and O-Net: small nets that propose faces, sort them out, and find their points.

Each takes float32 [n, 3, height, width], RGB as (x - 127.5) / 128. What they say of a window is in parts
of its sides: offsets of (left, top, right, bottom), and points from its top left corner.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from engines.mtcnn import weights

#: The side of the windows that R-Net and O-Net look at, and of P-Net's, pixels.
PNET_WINDOW, RNET_SIDE, ONET_SIDE = 12, 24, 48
#: Pixels between two windows of P-Net.
PNET_STRIDE = 2


class Points(NamedTuple):
    """O-Net's answer: scores [n], offsets [n, 4], and points [n, 10], five x and then five y."""

    scores: Tensor
    offsets: Tensor
    points: Tensor


class PNet(nn.Module):
    """Looks at every window of 12 x 12 pixels, two pixels apart."""

    LAYERS: ClassVar = (
        ("conv1", "prelu1"),
        ("conv2", "prelu2"),
        ("conv3", "prelu3"),
        ("offsets", ""),
        ("classes", ""),
    )

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 10, 3), nn.PReLU(10)
        self.pool1 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(10, 16, 3), nn.PReLU(16)
        self.conv3, self.prelu3 = nn.Conv2d(16, 32, 3), nn.PReLU(32)
        self.offsets, self.classes = nn.Conv2d(32, 4, 1), nn.Conv2d(32, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [n, rows, columns] in [0, 1], and offsets [n, 4, rows, columns]."""
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.prelu3(self.conv3(self.prelu2(self.conv2(x))))
        return self.classes(x).softmax(1)[:, 1], self.offsets(x)


class RNet(nn.Module):
    """Looks at windows that were scaled to 24 x 24."""

    LAYERS: ClassVar = (
        ("conv1", "prelu1"),
        ("conv2", "prelu2"),
        ("conv3", "prelu3"),
        ("dense4", "prelu4"),
        ("offsets", ""),
        ("classes", ""),
    )

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 28, 3), nn.PReLU(28)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(28, 48, 3), nn.PReLU(48)
        self.pool2 = nn.MaxPool2d(3, 2)
        self.conv3, self.prelu3 = nn.Conv2d(48, 64, 2), nn.PReLU(64)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.offsets, self.classes = nn.Linear(128, 4), nn.Linear(128, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [n] in [0, 1], and offsets [n, 4]."""
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = _flat(self.prelu3(self.conv3(x)))
        x = self.prelu4(self.dense4(x))
        return self.classes(x).softmax(1)[:, 1], self.offsets(x)


class ONet(nn.Module):
    """Looks at windows that were scaled to 48 x 48."""

    LAYERS: ClassVar = (
        ("conv1", "prelu1"),
        ("conv2", "prelu2"),
        ("conv3", "prelu3"),
        ("conv4", "prelu4"),
        ("dense5", "prelu5"),
        ("offsets", ""),
        ("points", ""),
        ("classes", ""),
    )

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.prelu1 = nn.Conv2d(3, 32, 3), nn.PReLU(32)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2, self.prelu2 = nn.Conv2d(32, 64, 3), nn.PReLU(64)
        self.pool2 = nn.MaxPool2d(3, 2)
        self.conv3, self.prelu3 = nn.Conv2d(64, 64, 3), nn.PReLU(64)
        self.pool3 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.conv4, self.prelu4 = nn.Conv2d(64, 128, 2), nn.PReLU(128)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.offsets, self.points, self.classes = (
            nn.Linear(256, 4),
            nn.Linear(256, 10),
            nn.Linear(256, 2),
        )

    def forward(self, x: Tensor) -> Points:
        x = self.pool1(self.prelu1(self.conv1(x)))
        x = self.pool2(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = _flat(self.prelu4(self.conv4(x)))
        x = self.prelu5(self.dense5(x))
        return Points(self.classes(x).softmax(1)[:, 1], self.offsets(x), self.points(x))


def _flat(x: Tensor) -> Tensor:
    """In the order that the weights were learnt in: columns first, then rows, then channels."""
    return x.permute(0, 3, 2, 1).flatten(1)


_Net = TypeVar("_Net", PNet, RNet, ONet)


class Nets(NamedTuple):
    pnet: PNet
    rnet: RNet
    onet: ONet


def load(where: Path | None = None) -> Nets:
    """The three nets with their weights, on the processor; raises EngineFailed."""
    folder = where or weights.folder()

    def filled(net: _Net, name: str) -> _Net:
        net.load_state_dict(weights.state_of(weights.read(name, folder), net.LAYERS))
        net.requires_grad_(False)
        # Twice as fast as channels first, where half of the time goes into pooling.
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return net.eval()

    return Nets(filled(PNet(), "pnet.lz4"), filled(RNet(), "rnet.lz4"), filled(ONet(), "onet.lz4"))
