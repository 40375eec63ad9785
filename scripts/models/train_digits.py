#!/usr/bin/env python3
"""Trains the digits example: a 64-32-10 network over 8x8 images of handwritten digits.

Writes into examples/digits/ (or the folder given):
  digits.onnx     float32 model, image [N, 64] (pixels 0..=16) -> scores [N, 10] (logits)
  calibration.u8  256 rows of the training part, one byte per pixel
  test_x.u8       450 rows of the test part, one byte per pixel
  test_y.u8       450 labels, one byte each

The output is the same, byte for byte, in every run on one machine. Between machines the trained weights
may differ in their last bits, because floating-point libraries choose their kernels by the processor.

    pip install --require-hashes -r scripts/models/requirements.txt
    python3 scripts/models/train_digits.py
"""

import os

# One thread: the order of a floating-point sum is then the same in every run. Set before numpy loads.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

SEED = 0
HIDDEN = 32
TEST_ROWS = 450
CALIBRATION_ROWS = 256
# Pixels are whole numbers 0..=16. The network is trained on pixel / 16.
PIXEL_MAX = 16
NEGLIGIBLE = 1e-9
REPOSITORY = Path(__file__).resolve().parents[2]


def train(train_x, train_y):
    """Returns [(weights [in, out], bias [out])] per layer, for raw pixels, in float32."""
    network = MLPClassifier(
        hidden_layer_sizes=(HIDDEN,), activation="relu", alpha=1e-3, max_iter=1000, random_state=SEED
    )
    network.fit(train_x / PIXEL_MAX, train_y)
    weights = [w.copy() for w in network.coefs_]
    # Some pixels are blank in every training image, and regularisation shrinks their weights towards zero without
    # an end. Denormal numbers are of no use to anybody, so they become the zero that they mean.
    weights[0][np.abs(weights[0]) < NEGLIGIBLE] = 0.0
    # 16 is a power of two, so this changes no mantissa: the folded network computes the same scores.
    weights[0] /= PIXEL_MAX
    return [(w.astype(np.float32), b.astype(np.float32)) for w, b in zip(weights, network.intercepts_)]


def to_onnx(layers):
    """Gemm -> Relu -> Gemm, with a symbolic batch dimension N."""
    (w1, b1), (w2, b2) = layers
    graph = helper.make_graph(
        nodes=[
            helper.make_node("Gemm", ["image", "hidden.weight", "hidden.bias"], ["hidden"], name="hidden"),
            helper.make_node("Relu", ["hidden"], ["active"], name="active"),
            helper.make_node("Gemm", ["active", "scores.weight", "scores.bias"], ["scores"], name="scores"),
        ],
        name="digits",
        inputs=[helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", w1.shape[0]])],
        outputs=[helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", w2.shape[1]])],
        initializer=[
            numpy_helper.from_array(w1, "hidden.weight"),
            numpy_helper.from_array(b1, "hidden.bias"),
            numpy_helper.from_array(w2, "scores.weight"),
            numpy_helper.from_array(b2, "scores.bias"),
        ],
    )
    model = helper.make_model(
        graph, producer_name="train_digits", ir_version=8, opset_imports=[helper.make_opsetid("", 17)]
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY / "examples" / "digits")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)

    pixels, labels = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels, labels, test_size=TEST_ROWS, random_state=SEED, stratify=labels
    )
    model = to_onnx(train(train_x, train_y))

    (folder / "digits.onnx").write_bytes(model)
    (folder / "calibration.u8").write_bytes(train_x[:CALIBRATION_ROWS].astype(np.uint8).tobytes())
    (folder / "test_x.u8").write_bytes(test_x.astype(np.uint8).tobytes())
    (folder / "test_y.u8").write_bytes(test_y.astype(np.uint8).tobytes())

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (scores,) = session.run(["scores"], {"image": test_x.astype(np.float32)})
    right = int((scores.argmax(axis=1) == test_y).sum())
    print(f"digits.onnx: {len(model)} bytes, accuracy {right / len(test_y):.4f} ({right} of {len(test_y)})")


if __name__ == "__main__":
    main()
