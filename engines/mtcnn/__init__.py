"""MTCNN: finds the faces in pictures, and the five points of each.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016
(arXiv 1604.02878). The weights are those that the wheel `mtcnn` carries (MIT); its own code needs
TensorFlow, so the three small nets stand here in PyTorch.
"""

from engines.mtcnn.detector import BATCH, FaceDetector

__all__ = ["BATCH", "FaceDetector"]
