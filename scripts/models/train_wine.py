#!/usr/bin/env python3
"""Trains the wine example: a scikit-learn pipeline, converted with skl2onnx.

It shows that a model need not be a neural network: standardised features into a small random forest, which becomes
the operators Scaler and TreeEnsembleClassifier of the domain ai.onnx.ml.

Writes into examples/wine/ (or the folder given):
  wine.onnx   float32 model, features [N, 13] -> probabilities [N, 3]
  test_x.f32  45 rows of the test part, 13 little-endian float32 each
  test_y.u8   45 labels, one byte each

The output is the same, byte for byte, in every run on one machine.

    pip install --require-hashes -r scripts/models/requirements.txt
    python3 scripts/models/train_wine.py
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.helpers.onnx_helper import select_model_inputs_outputs
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEED = 0
TREES = 24
DEPTH = 4
TEST_ROWS = 45
REPOSITORY = Path(__file__).resolve().parents[2]


def convert(pipeline):
    """Features in, probabilities out. The predicted label is cut off, because a model on the chain has one output."""
    model = to_onnx(
        pipeline,
        name="wine",
        initial_types=[("features", FloatTensorType([None, pipeline.n_features_in_]))],
        options={"zipmap": False},
        target_opset={"": 17, "ai.onnx.ml": 3},
    )
    opsets = {opset.domain: opset.version for opset in model.opset_import}
    model = select_model_inputs_outputs(model, outputs=["probabilities"])
    # The selection loses the shape of what it selects and names one domain twice.
    float_tensor = partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT)
    model.graph.input[0].CopyFrom(float_tensor("features", shape=["N", pipeline.n_features_in_]))
    model.graph.output[0].CopyFrom(float_tensor("probabilities", shape=["N", len(pipeline.classes_)]))
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid(domain, opsets[domain]) for domain in sorted(opsets))
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY / "examples" / "wine")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)

    features, labels = load_wine(return_X_y=True)
    # Trained on what the model will see: float32, so that no threshold falls between two roundings.
    features = features.astype(np.float32)
    train_x, test_x, train_y, test_y = train_test_split(
        features, labels, test_size=TEST_ROWS, random_state=SEED, stratify=labels
    )
    forest = RandomForestClassifier(n_estimators=TREES, max_depth=DEPTH, random_state=SEED)
    pipeline = make_pipeline(StandardScaler(), forest).fit(train_x, train_y)
    model = convert(pipeline)

    (folder / "wine.onnx").write_bytes(model)
    (folder / "test_x.f32").write_bytes(test_x.astype("<f4").tobytes())
    (folder / "test_y.u8").write_bytes(test_y.astype(np.uint8).tobytes())

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(["probabilities"], {"features": test_x})
    right = int((probabilities.argmax(axis=1) == test_y).sum())
    difference = float(np.abs(probabilities - pipeline.predict_proba(test_x)).max())
    print(f"wine.onnx: {len(model)} bytes, accuracy {right / len(test_y):.4f} ({right} of {len(test_y)}),")
    print(f"at most {difference:.1e} from scikit-learn's probabilities")


if __name__ == "__main__":
    main()
