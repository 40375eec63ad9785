#!/usr/bin/env python3
"""Trains small networks on scikit-learn's built-in tables, exported as skl2onnx does it.

For each of iris, wine-mlp and breast-cancer it writes into examples/<name>/ (or a folder of that name in the one given):
  <name>.onnx      float32 model, standardised features -> probabilities (and the label, which quantisation leaves out)
  calibration.f32  the training part: little-endian float32, features less their mean, divided by their deviation
  test_x.f32       the test part likewise
  test_y.u8        its labels, one byte each

    pip install --require-hashes -r scripts/models/requirements.txt
    python3 scripts/models/train_tables.py
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

SEED = 0
REPOSITORY = Path(__file__).resolve().parents[2]
TABLES = {
    "iris": (load_iris, (16,), "relu"),
    "wine-mlp": (load_wine, (16,), "tanh"),
    "breast-cancer": (load_breast_cancer, (16, 8), "relu"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY / "examples")
    parent = parser.parse_args().folder
    for name, (load, hidden, activation) in TABLES.items():
        folder = parent / name
        folder.mkdir(parents=True, exist_ok=True)
        features, labels = load(return_X_y=True)
        train_x, test_x, train_y, test_y = train_test_split(
            features, labels, test_size=0.3, random_state=SEED, stratify=labels
        )
        scaler = StandardScaler().fit(train_x)
        train_x, test_x = (scaler.transform(x).astype(np.float32) for x in (train_x, test_x))
        network = MLPClassifier(hidden, activation=activation, alpha=1e-2, max_iter=3000, random_state=SEED)
        network.fit(train_x, train_y)
        model = to_onnx(network, train_x[:1], name=name, options={"zipmap": False}, target_opset=17)
        model.ir_version = 8
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
        (folder / "calibration.f32").write_bytes(train_x.astype("<f4").tobytes())
        (folder / "test_x.f32").write_bytes(test_x.astype("<f4").tobytes())
        (folder / "test_y.u8").write_bytes(test_y.astype(np.uint8).tobytes())
        print(f"{name}.onnx: accuracy {network.score(test_x, test_y):.4f} of {len(test_y)}")


if __name__ == "__main__":
    main()
