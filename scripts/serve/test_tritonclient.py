#!/usr/bin/env python3
"""Drives a running gateway with tritonclient as it comes from its wheel, over HTTP and gRPC.

    pip install --require-hashes -r scripts/serve/requirements.txt
    cargo build --release -p aimodel-gateway --example gateway
    python3 scripts/serve/test_tritonclient.py [PATH OF THE EXAMPLE gateway]

Without a path it is looked for in the target folder. ONNXRUNTIME_LIB names ONNX Runtime where it is not in .onnxruntime.
"""

import os
import queue
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
import tritonclient.grpc as grpc
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples" / "digits"
IMAGES = np.fromfile(DIGITS / "test_x.u8", np.uint8).reshape(-1, 64)
LABELS = np.fromfile(DIGITS / "test_y.u8", np.uint8)


def start():
    """A gateway at ports that the system chooses, and where it is."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    program = sys.argv.pop(1) if len(sys.argv) > 1 else target / "release" / "examples" / "gateway"
    gateway = subprocess.Popen(
        [program, DIGITS, ROOT / "examples" / "iris", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True)
    where = {}
    while not {"http", "grpc"} <= where.keys():
        line = gateway.stdout.readline()
        if not line:
            raise SystemExit(f"the gateway ended with {gateway.wait()}")
        word, _, rest = line.strip().partition(" ")
        where[word] = rest
    return gateway, where


class Form:
    """What holds for both forms."""

    def image(self, rows, data_type="FP32", name="image"):
        value = self.kind.InferInput(name, [rows, 64], data_type)
        dtype = {"FP32": np.float32, "UINT8": np.uint8}[data_type]
        value.set_data_from_numpy(IMAGES[:rows].astype(dtype), **self.as_json())
        return value

    def as_json(self):
        return {}

    def test_live_and_ready(self):
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready("digits"))
        self.assertTrue(self.client.is_model_ready("digits", "1.0.0"))

    def test_metadata(self):
        server = self.told(self.client.get_server_metadata())
        self.assertEqual(server["name"], "aimodel")
        self.assertIn("binary_tensor_data", server["extensions"])
        model = self.told(self.client.get_model_metadata("digits"))
        self.assertEqual(model["inputs"][0]["name"], "image")
        self.assertEqual([int(length) for length in model["inputs"][0]["shape"]], [-1, 64])

    def test_configuration(self):
        config = self.told(self.client.get_model_config("digits"))
        config = config.get("config", config)
        self.assertEqual(config["input"][0]["data_type"], "TYPE_FP32")
        self.assertEqual(config["backend"], "onnxruntime")

    def test_inference(self):
        output = self.kind.InferRequestedOutput("scores")
        result = self.client.infer("digits", [self.image(100)], outputs=[output], request_id="42")
        scores = result.as_numpy("scores")
        self.assertEqual((scores.shape, scores.dtype), ((100, 10), np.float32))
        self.assertGreaterEqual((scores.argmax(1) == LABELS[:100]).mean(), 0.95)
        self.assertEqual(self.told(result.get_response())["id"], "42")

    def test_all_outputs_and_versions(self):
        result = self.client.infer("digits", [self.image(3)], model_version="1.0.0")
        self.assertEqual(result.as_numpy("scores").shape, (3, 10))
        response = self.told(result.get_response())
        self.assertEqual(response["model_version"], "1.0.0")

    def test_integers(self):
        name = self.told(self.client.get_model_metadata("digits-provable"))["inputs"][0]["name"]
        result = self.client.infer("digits-provable", [self.image(1, "UINT8", name)])
        response = self.told(result.get_response())
        scores = result.as_numpy(response["outputs"][0]["name"])
        expected = np.fromfile(DIGITS / "expected.i32", np.int32)[:10]
        np.testing.assert_array_equal(scores.reshape(-1), expected)

    def test_receipt(self):
        result = self.client.infer("digits", [self.image(1)], parameters={"receipt": True})
        parameters = self.told(result.get_response())["parameters"]
        for name in ["model_hash", "units", "receipt", "receipt_signer", "receipt_signature"]:
            self.assertIn(name, parameters)

    def test_repository(self):
        state = lambda: {entry["name"]: entry.get("state") for entry in self.index()}
        self.assertEqual(state()["iris"], "READY")
        self.client.unload_model("iris")
        self.assertEqual(state()["iris"], "UNAVAILABLE")
        self.assertFalse(self.client.is_model_ready("iris"))
        self.client.load_model("iris")
        self.assertEqual(state()["iris"], "READY")

    def test_statistics(self):
        count = lambda: int(self.statistics()["inference_stats"]["success"]["count"])
        before = count()
        self.client.infer("digits", [self.image(2)])
        self.assertEqual(count(), before + 1)

    def test_errors(self):
        with self.assertRaisesRegex(InferenceServerException, "nobody"):
            self.client.infer("nobody", [self.image(1)])
        with self.assertRaisesRegex(InferenceServerException, "picture"):
            self.client.infer("digits", [self.image(1, name="picture")])
        with self.assertRaisesRegex(InferenceServerException, "UINT8"):
            self.client.infer("digits", [self.image(1, "UINT8")])
        with self.assertRaisesRegex(InferenceServerException, "labels"):
            outputs = [self.kind.InferRequestedOutput("labels")]
            self.client.infer("digits", [self.image(1)], outputs=outputs)
        with self.assertRaisesRegex(InferenceServerException, "sequences"):
            self.client.infer("digits", [self.image(1)], sequence_id=7, sequence_start=True)


class Http(Form, unittest.TestCase):
    kind = http

    def setUp(self):
        self.client = http.InferenceServerClient(WHERE["http"], concurrency=8)

    def tearDown(self):
        self.client.close()

    def told(self, value):
        return value

    def index(self):
        return self.client.get_model_repository_index()

    def statistics(self):
        return self.client.get_inference_statistics("digits")["model_stats"][0]

    def test_many_at_once(self):
        inputs = [self.image(1)]
        asked = [self.client.async_infer("digits", inputs) for _ in range(100)]
        for one in asked:
            self.assertEqual(one.get_result().as_numpy("scores").argmax(), LABELS[0])


class HttpJson(Http):
    """Tensors as JSON."""

    def as_json(self):
        return {"binary_data": False}


class Grpc(Form, unittest.TestCase):
    kind = grpc

    def setUp(self):
        self.client = grpc.InferenceServerClient(WHERE["grpc"])

    def tearDown(self):
        self.client.close()

    def told(self, message):
        from google.protobuf.json_format import MessageToDict
        return MessageToDict(message, preserving_proto_field_name=True)

    def index(self):
        return self.told(self.client.get_model_repository_index())["models"]

    def statistics(self):
        return self.told(self.client.get_inference_statistics("digits"))["model_stats"][0]

    def test_typed_contents(self):
        request = grpc.service_pb2.ModelInferRequest(model_name="digits")
        value = request.inputs.add(name="image", datatype="FP32", shape=[1, 64])
        value.contents.fp32_contents.extend(IMAGES[0].astype(np.float32))
        response = self.client._client_stub.ModelInfer(request)
        scores = np.frombuffer(response.raw_output_contents[0], np.float32)
        self.assertEqual(scores.argmax(), LABELS[0])

    def test_stream(self):
        told = queue.SimpleQueue()
        self.client.start_stream(lambda result, error: told.put((result, error)))
        for rows in range(1, 50):
            self.client.async_stream_infer("digits", [self.image(rows)], request_id=str(rows))
            if rows % 7 == 0:
                self.client.async_stream_infer("nobody", [self.image(rows)])
        for rows in range(1, 50):
            result, error = told.get(timeout=20)
            self.assertIsNone(error)
            self.assertEqual(result.get_response().id, str(rows))
            self.assertTrue((result.as_numpy("scores").argmax(axis=1) == LABELS[:rows]).mean() > 0.9)
            if rows % 7 == 0:
                result, error = told.get(timeout=20)
                self.assertIsNone(result)
                self.assertIn("nobody", error.message())
        self.client.stop_stream()

    def test_what_is_not_served(self):
        with self.assertRaisesRegex(InferenceServerException, "answers"):
            self.client.get_trace_settings()


if __name__ == "__main__":
    GATEWAY, WHERE = start()
    try:
        unittest.main(verbosity=1)
    finally:
        GATEWAY.terminate()
        GATEWAY.wait()
