"""A model for MLServer that runs an ONNX file with ONNX Runtime on one thread: what a worker's node is measured against."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class Onnx(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"]
        )
        self.output = self.session.get_outputs()[0].name
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        inputs = {it.name: NumpyCodec.decode_input(it) for it in payload.inputs}
        (answer,) = self.session.run([self.output], inputs)
        output: ResponseOutput = NumpyCodec.encode_output(self.output, answer)
        return InferenceResponse(model_name=self.name, outputs=[output])
