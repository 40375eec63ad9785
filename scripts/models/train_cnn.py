#!/usr/bin/env python3
"""Trains the digits-cnn example: two convolutions with pooling and a dense layer, over 8x8 images of digits.

Writes into examples/digits-cnn/ (or the folder given):
  digits-cnn.onnx  float32 model, image [N, 1, 8, 8] (pixels 0..=16) -> scores [N, 10]
  calibration.u8   256 rows of the training part, one byte per pixel
  test_x.u8        450 rows of the test part, one byte per pixel
  test_y.u8        450 labels, one byte each

Needs numpy, scikit-learn, onnx. The output is the same in every run on one machine.

    pip install --require-hashes -r scripts/models/requirements.txt
    python3 scripts/models/train_cnn.py
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED, EPOCHS, BATCH, RATE, DECAY = 0, 40, 64, 2e-3, 1e-4
CHANNELS = (8, 16)
REPOSITORY = Path(__file__).resolve().parents[2]


def patches(x):
    """3x3 neighbourhoods with a border of zeros: [n, h, w, c] -> [n, h, w, 9 c]."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    h, w = x.shape[1:3]
    return np.concatenate([padded[:, i : i + h, j : j + w] for i in range(3) for j in range(3)], axis=-1)


def unpatches(d, channels):
    """The gradient of `patches`."""
    n, h, w, _ = d.shape
    x = np.zeros((n, h + 2, w + 2, channels))
    for k in range(9):
        i, j = divmod(k, 3)
        x[:, i : i + h, j : j + w] += d[..., k * channels : (k + 1) * channels]
    return x[:, 1:-1, 1:-1]


def pool(x):
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).max(axis=(2, 4))


def unpool(d, x, y):
    spread = lambda a: a.repeat(2, axis=1).repeat(2, axis=2)
    return spread(d) * (x == spread(y))


def forward(x, p):
    p1 = patches(x)
    a1 = np.maximum(p1 @ p["w1"] + p["b1"], 0)
    m1 = pool(a1)
    p2 = patches(m1)
    a2 = np.maximum(p2 @ p["w2"] + p["b2"], 0)
    m2 = pool(a2)
    flat = m2.transpose(0, 3, 1, 2).reshape(len(x), -1)
    return flat @ p["w3"] + p["b3"], (p1, a1, m1, p2, a2, m2, flat)


def gradients(x, labels, p):
    scores, (p1, a1, m1, p2, a2, m2, flat) = forward(x, p)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    d = e / e.sum(axis=1, keepdims=True)
    d[np.arange(len(x)), labels] -= 1
    d /= len(x)
    g = {"w3": flat.T @ d, "b3": d.sum(axis=0)}
    n, h, w, c = m2.shape
    d = (d @ p["w3"].T).reshape(n, c, h, w).transpose(0, 2, 3, 1)
    d = unpool(d, a2, m2) * (a2 > 0)
    g["w2"], g["b2"] = np.tensordot(p2, d, ([0, 1, 2], [0, 1, 2])), d.sum(axis=(0, 1, 2))
    d = unpatches(d @ p["w2"].T, CHANNELS[0])
    d = unpool(d, a1, m1) * (a1 > 0)
    g["w1"], g["b1"] = np.tensordot(p1, d, ([0, 1, 2], [0, 1, 2])), d.sum(axis=(0, 1, 2))
    return g


def train(x, labels):
    rng = np.random.default_rng(SEED)
    he = lambda rows, columns: rng.standard_normal((rows, columns)) * np.sqrt(2 / rows)
    p = {"w1": he(9, CHANNELS[0]), "w2": he(9 * CHANNELS[0], CHANNELS[1]), "w3": he(4 * CHANNELS[1], 10)}
    p |= {"b1": np.zeros(CHANNELS[0]), "b2": np.zeros(CHANNELS[1]), "b3": np.zeros(10)}
    moments = {k: (np.zeros_like(v), np.zeros_like(v)) for k, v in p.items()}
    step = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            step += 1
            batch = order[start : start + BATCH]
            for k, g in gradients(x[batch], labels[batch], p).items():
                g = g + DECAY * p[k]
                m, v = moments[k]
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                p[k] = p[k] - RATE * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return p


def to_onnx(p):
    kernel = lambda w, channels: w.reshape(3, 3, channels, -1).transpose(3, 2, 0, 1)
    tensors = {
        # The network is trained on pixel / 16.
        "conv1.weight": kernel(p["w1"] / 16, 1),
        "conv1.bias": p["b1"],
        "conv2.weight": kernel(p["w2"], CHANNELS[0]),
        "conv2.bias": p["b2"],
        "dense.weight": p["w3"],
        "dense.bias": p["b3"],
    }
    node = helper.make_node
    nodes = [
        node("Conv", ["image", "conv1.weight", "conv1.bias"], ["a"], name="conv1", pads=[1] * 4),
        node("Relu", ["a"], ["b"], name="relu1"),
        node("MaxPool", ["b"], ["c"], name="pool1", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["c", "conv2.weight", "conv2.bias"], ["d"], name="conv2", pads=[1] * 4),
        node("Relu", ["d"], ["e"], name="relu2"),
        node("MaxPool", ["e"], ["f"], name="pool2", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", ["f"], ["g"], name="flat"),
        node("Gemm", ["g", "dense.weight", "dense.bias"], ["scores"], name="dense"),
    ]
    graph = helper.make_graph(
        nodes,
        "digits-cnn",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in tensors.items()],
    )
    model = helper.make_model(
        graph, producer_name="train_cnn", ir_version=8, opset_imports=[helper.make_opsetid("", 17)]
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY / "examples" / "digits-cnn")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    pixels, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels, labels, test_size=450, random_state=SEED, stratify=labels
    )
    parameters = train(train_x.reshape(-1, 8, 8, 1) / 16, train_y)
    (folder / "digits-cnn.onnx").write_bytes(to_onnx(parameters))
    (folder / "calibration.u8").write_bytes(train_x[:256].astype(np.uint8).tobytes())
    (folder / "test_x.u8").write_bytes(test_x.astype(np.uint8).tobytes())
    (folder / "test_y.u8").write_bytes(test_y.astype(np.uint8).tobytes())
    scores, _ = forward(test_x.reshape(-1, 8, 8, 1) / 16, parameters)
    print(f"digits-cnn.onnx: accuracy {(scores.argmax(axis=1) == test_y).mean():.4f}")


if __name__ == "__main__":
    main()
