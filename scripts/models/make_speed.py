#!/usr/bin/env python3
"""Makes the float networks that `scripts/bench.sh prove` measures, and rows to calibrate them with.

    make_speed.py FOLDER

Well-known architectures with random weights: what a proof costs depends on the architecture and on the
bits of the weights, not on what a network has learned. Needs numpy and onnx as in requirements.txt.
"""

import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

SIDE = 28


class Weights:
    """Layers with weights as He et al. initialise them."""

    def __init__(self):
        self.random = np.random.default_rng(0)
        self.nodes, self.initializers = [], []

    def constant(self, name, array):
        self.initializers.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    def convolution(self, source, shape, stride=1, pad=0):
        # EZKL wants the defaults written out.
        return self.layer(
            "Conv",
            source,
            shape,
            kernel_shape=shape[2:],
            strides=[stride, stride],
            pads=[pad] * 4,
            dilations=[1, 1],
            group=1,
        )

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
    pool = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0] * 4}
    at = net.node("MaxPool", net.convolution("x", (6, 1, 5, 5), pad=2), **pool)
    at = net.node("MaxPool", net.convolution(at, (16, 6, 5, 5)), **pool)
    at = net.layer("Gemm", net.node("Flatten", at), (120, 400), transB=1)
    at = net.layer("Gemm", at, (84, 120), transB=1)
    return net.model(net.layer("Gemm", at, (10, 84), relu=False, transB=1), [1, SIDE, SIDE])


def strided():
    """Strides instead of pools: 1.01 million products, 0.49 million parameters."""
    net = Weights()
    at = net.convolution("x", (16, 1, 5, 5), stride=2, pad=2)
    at = net.convolution(at, (32, 16, 3, 3), stride=2, pad=1)
    at = net.convolution(at, (16, 32, 3, 3), pad=1)
    at = net.layer("Gemm", net.node("Flatten", at), (600, 784), transB=1)
    return net.model(net.layer("Gemm", at, (10, 600), relu=False, transB=1), [1, SIDE, SIDE])


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
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    images(256).tofile(folder / "rows.u8")
    for name, model in [("mlp-784-56-10", perceptron()), ("lenet-5", lenet()), ("cnn-1m", strided())]:
        save(model, folder / f"{name}.onnx")


if __name__ == "__main__":
    main()
