#!/usr/bin/env python3
"""Writes what ONNX Runtime 1.28.0 answers to the test rows of the examples.

The end-to-end tests compare the chain's answers with these files, so that no test needs Python.
Run it after a change of `examples/*/*.onnx`, with the packages of scripts/models/requirements.txt and
onnxruntime 1.28.0:

    python3 scripts/js/test/expected.py

- `examples/digits/expected.i32`: [450, 10] int32, little-endian, of digits.provable.onnx.
- `examples/wine/expected.f32`: [45, 3] float32, little-endian, of wine.onnx.
"""

from pathlib import Path

import numpy as np
import onnxruntime

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
assert onnxruntime.__version__ == "1.28.0", onnxruntime.__version__


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(EXAMPLES / path, options, providers=["CPUExecutionProvider"])


def run(session, rows):
    return session.run(None, {session.get_inputs()[0].name: rows})[0]


digits = session("digits/digits.provable.onnx")
images = np.fromfile(EXAMPLES / "digits/test_x.u8", dtype=np.uint8).reshape(-1, 1, 64)
labels = np.fromfile(EXAMPLES / "digits/test_y.u8", dtype=np.uint8)
scores = np.concatenate([run(digits, image) for image in images])
assert scores.shape == (450, 10) and scores.dtype == np.int32
scores.astype("<i4").tofile(EXAMPLES / "digits/expected.i32")
print("digits:", np.sum(scores.argmax(axis=1) == labels), "of", len(labels), "right")

wine = session("wine/wine.onnx")
rows = np.fromfile(EXAMPLES / "wine/test_x.f32", dtype="<f4").reshape(-1, 13)
labels = np.fromfile(EXAMPLES / "wine/test_y.u8", dtype=np.uint8)
probabilities = run(wine, rows)
assert probabilities.shape == (45, 3) and probabilities.dtype == np.float32
probabilities.astype("<f4").tofile(EXAMPLES / "wine/expected.f32")
print("wine:", np.sum(probabilities.argmax(axis=1) == labels), "of", len(labels), "right")
