#!/usr/bin/env python3
"""Makes the networks of examples/speed: well-known architectures with random weights, for measuring.

What a proof costs depends on the architecture and on the bits of the weights, not on what a network
has learned. Needs numpy and onnx as in requirements.txt, and `zkonnx` on the path.
"""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "speed"
SIDE = 28


class Weights:
    """Layers with weights as He et al. initialise them."""

    def __init__(self):
        self.random = np.random.default_rng(0)
        self.nodes, self.initializers = [], []

    def constant(self, name, array):
        self.initializers.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    def layer(self, operator, source, shape, relu=True, **attributes):
        name = f"layer{len(self.nodes)}"
        scale = np.sqrt(2 / np.prod(shape[1:]))
        weight = self.constant(f"{name}.weight", self.random.normal(0, scale, shape))
        bias = self.constant(f"{name}.bias", self.random.normal(0, 0.05, shape[0]))
        self.nodes.append(helper.make_node(operator, [source, weight, bias], [name], **attributes))
        return self.node("Relu", name) if relu else name

    def node(self, operator, source, **attributes):
        name = f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, [source], [name], **attributes))
        return name

    def model(self, scores, shape):
        tensor = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "speed",
            [tensor("x", TensorProto.FLOAT, ["N", *shape])],
            [tensor(scores, TensorProto.FLOAT, ["N", 10])],
            self.initializers,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def perceptron():
    net = Weights()
    hidden = net.layer("Gemm", "x", (56, SIDE * SIDE), transB=1)
    return net.model(net.layer("Gemm", hidden, (10, 56), relu=False, transB=1), [SIDE * SIDE])


def lenet():
    net = Weights()
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    at = net.node("MaxPool", net.layer("Conv", "x", (6, 1, 5, 5), pads=[2, 2, 2, 2]), **pool)
    at = net.node("MaxPool", net.layer("Conv", at, (16, 6, 5, 5)), **pool)
    at = net.layer("Gemm", net.node("Flatten", at), (120, 400), transB=1)
    at = net.layer("Gemm", at, (84, 120), transB=1)
    return net.model(net.layer("Gemm", at, (10, 84), relu=False, transB=1), [1, SIDE, SIDE])


def images(count):
    """Blobs of light, as bytes."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    rows = []
    for _ in range(count):
        image = np.zeros((SIDE, SIDE))
        for _ in range(4):
            (cy, cx), size = random.uniform(6, 22, 2), random.uniform(1, 3)
            light = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * size * size))
            image += light * random.uniform(100, 255)
        rows.append(np.clip(image, 0, 255).astype(np.uint8))
    return np.array(rows)


def main():
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.u8"
        images(256).tofile(rows)
        # Six bits keep LeNet-5 under 2^17 constraints.
        for name, model, bits in [("mlp-784-56-10", perceptron(), 8), ("lenet-5", lenet(), 6)]:
            float_model = Path(folder) / f"{name}.onnx"
            save(model, float_model)
            provable = FOLDER / f"{name}.provable.onnx"
            command = ["zkonnx", "quantize", float_model, "-c", rows, "-o", provable]
            subprocess.run([*command, "--weight-bits", str(bits), "--force"], check=True)


if __name__ == "__main__":
    main()
