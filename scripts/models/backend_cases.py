#!/usr/bin/env python3
"""Writes backend_cases.bin: the cases that the Python package `onnx` generates for its operators, as models of zkonnx.

    pip install --require-hashes -r scripts/models/requirements.txt
    python3 scripts/models/backend_cases.py

Of `onnx.backend.test`, every case of one node of the operators below, without the `_expanded` ones, which are function
bodies of other operators. A case has its operands as graph inputs; a model of ours has one input. So

- weights, shapes, axes and limits become initialisers; the rest are activations, cut out of the input if they are
  several. Where one of two operands may be a constant, both forms are made.
- form `float`: the input is float32, or uint8 where the operator reads that. What is quantised is dequantised at the end.
- form `integer`: the input is uint8; for int32 it is cast, and shifted where values are negative. Cases of integers keep
  their values. Cases of floats are made into integers by a scale of their own, where the integer profile has the operator;
  what they must give is computed by `onnx.reference`, on floats that are integers.
- moves end in a subtraction or a `Neg`, since a circuit must compute something.
- cases whose operator was last changed after opset 21 are written in 21 if `onnx.checker` accepts them there.
- several outputs of one type are joined.

The file is a list of records, each of seven byte strings with their length (u32, little-endian) before them: name of the
case, operator, first opset of the operator, form, model, input, output. Input and output of the form `float` are float32;
those of the form `integer` are of the model's types. Large cases are left out, and named; those of three spatial axes,
which are refused, are kept without numbers. It has 744 kB; written again, it is the same byte for byte.
"""

import struct
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, checker, defs, helper, numpy_helper, shape_inference
from onnx.backend.test.case.node import collect_testcases
from onnx.reference import ReferenceEvaluator

OPSETS = range(11, 22)
# The most numbers of a case, of its input and output together.
MOST = {"float": 1 << 13, "integer": 1 << 12}

# Operators, and which of their operands are constants.
WEIGHTS = {
    **dict.fromkeys(["Conv", "ConvTranspose", "Gemm"], {1, 2}),
    "BatchNormalization": {1, 2, 3, 4},
    **dict.fromkeys(["MatMulInteger", "ConvInteger"], {1, 2, 3}),
    **dict.fromkeys(["QLinearMatMul", "QLinearConv"], set(range(1, 9))),
    **dict.fromkeys(["QuantizeLinear", "DequantizeLinear"], {1, 2}),
    **dict.fromkeys(["Split", "Gather", "Reshape", "Squeeze", "Unsqueeze", "Expand", "Tile", "PRelu"], {1}),
    **dict.fromkeys(["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"], {1}),
    **dict.fromkeys(["Slice", "Pad", "Resize"], {1, 2, 3, 4}),
    **dict.fromkeys(["Clip", "Dropout"], {1, 2}),
    "Where": {0},
    **dict.fromkeys(["Add", "Sub", "Mul", "Div", "MatMul", "Max", "Min", "Sum", "Mean", "Concat"], set()),
    **dict.fromkeys(["Relu", "LeakyRelu", "Abs", "Neg", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish"], set()),
    **dict.fromkeys(["Gelu", "Erf", "Exp", "Softplus", "Elu", "Softmax", "Selu", "Celu", "Mish", "Softsign"], set()),
    **dict.fromkeys(["Log", "Sqrt", "Reciprocal", "Sin", "Cos", "Sign", "Floor", "Ceil", "Round"], set()),
    **dict.fromkeys(["MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ArgMax"], set()),
    **dict.fromkeys(["Transpose", "Flatten", "Identity", "DepthToSpace", "SpaceToDepth"], set()),
}
# Operators that are tried with a constant second operand too.
EITHER = {"Add", "Sub", "Mul", "Div", "MatMul", "Max", "Min"}
# Operators of the integer profile on int32 and on uint8, for cases of floats.
ON_INT32 = {"Add", "Sub", "Mul", "Relu", "Clip", "Abs", "Neg", "Max", "Min", "ReduceSum", "ReduceMax", "ArgMax"}
MOVES = {"Concat", "Split", "Slice", "Gather", "Pad", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze"}
ON_UINT8 = MOVES | {"Resize", "Expand", "Identity", "MaxPool"}

KINDS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.uint8): TensorProto.UINT8}


def since(operator):
    """The first opset that has an operator."""
    return min(s.since_version for s in defs.get_all_schemas_with_history() if (s.name, s.domain) == (operator, ""))


class Wrapped:
    """A case's node in a graph with one input."""

    def __init__(self, case, constants):
        self.name = case.name.removeprefix("test_")
        self.node = onnx.NodeProto()
        self.node.CopyFrom(case.model.graph.node[0])
        self.version = next(o.version for o in case.model.opset_import if o.domain in ("", "ai.onnx"))
        self.arrays, self.results = case.data_sets[0]
        self.inputs = [name for name in self.node.input if name]
        self.constants = {self.inputs[at]: self.arrays[at] for at in range(len(self.inputs)) if self.position(at) in constants}
        self.activations = [
            (name, array) for name, array in zip(self.inputs, self.arrays) if name not in self.constants
        ]
        self.node.name = self.node.op_type.lower()
        self.kinds = {value.name: value.type.tensor_type.elem_type for value in case.model.graph.input}
        self.outputs = [(value.name, value.type.tensor_type.elem_type) for value in case.model.graph.output]
        self.before, self.after, self.initialisers = [], [], []
        for name, array in self.constants.items():
            self.initialise(name, array)

    def position(self, at):
        """The position of an operand that is given, among all."""
        return [k for k, name in enumerate(self.node.input) if name][at]

    def initialise(self, name, array):
        if isinstance(array, onnx.TensorProto):
            tensor = onnx.TensorProto()
            tensor.CopyFrom(array)
            tensor.name = name
        else:
            tensor = numpy_helper.from_array(np.asarray(array), name)
        self.initialisers.append(tensor)
        return name

    def add(self, nodes, operator, inputs, output, **attributes):
        outputs = [output] if isinstance(output, str) else output
        nodes.append(helper.make_node(operator, inputs, outputs, name=f"{outputs[0]}_{operator.lower()}", **attributes))
        return output

    def cut(self, shapes, convert):
        """Gives the input's parts to the node; `convert` makes a part what the node reads. Returns the input's shape."""
        sizes = [int(np.prod(shape)) for shape in shapes]
        if len(shapes) == 1 and len(shapes[0]) > 1 and shapes[0][0] == 1:
            shape, parts = list(shapes[0]), ["x"]
        else:
            shape, parts = [1, sum(sizes)], ["x"]
            if len(shapes) > 1:
                sizes_name = self.initialise("part_sizes", np.array(sizes, np.int64))
                parts = self.add(self.before, "Split", ["x", sizes_name], [f"part{k}" for k in range(len(shapes))], axis=1)
            for k, part in enumerate(parts):
                to = self.initialise(f"shape{k}", np.array(shapes[k], np.int64))
                parts[k] = self.add(self.before, "Reshape", [part, to], f"part{k}_shaped")
        for k, (name, _) in enumerate(self.activations):
            given = convert(k, name, parts[k])
            for at, operand in enumerate(self.node.input):
                if operand == name:
                    self.node.input[at] = given
        return shape

    def joined(self, names):
        """One name for several results."""
        if len(names) == 1:
            return names[0]
        flat = self.initialise("flat", np.array([1, -1], np.int64))
        rows = [self.add(self.after, "Reshape", [name, flat], f"{name}_row") for name in names]
        return self.add(self.after, "Concat", rows, "joined", axis=1)

    def model(self, input_kind, shape, outputs):
        """The model file, in the version of the case or the nearest that is read."""
        graph = helper.make_graph(
            [*self.before, self.node, *self.after],
            self.name,
            [helper.make_tensor_value_info("x", input_kind, shape)],
            [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs],
            self.initialisers,
        )
        version = max(self.version, OPSETS[0])
        for version in sorted({min(version, OPSETS[-1]), version}):
            opsets = [helper.make_opsetid("", version)]
            model = helper.make_model(graph, ir_version=10, opset_imports=opsets, producer_name="onnx")
            try:
                model = shape_inference.infer_shapes(model, strict_mode=True)
                checker.check_model(model)
                break
            except (checker.ValidationError, shape_inference.InferenceError):
                continue
        del model.graph.value_info[:]
        for value in model.graph.output:
            value.type.tensor_type.ClearField("shape")
        return model.SerializeToString(deterministic=True)


def is_array(value):
    return isinstance(value, np.ndarray)


def spatial_axes(case):
    array = case.data_sets[0][0][0]
    return array.ndim - 2 if is_array(array) else 0


def float_form(case, constants):
    """The case for `quantize`."""
    w = Wrapped(case, constants)
    operator = w.node.op_type
    arrays = [array for _, array in w.activations]
    shapes = [list(array.shape) if is_array(array) else list(array.dims) for array in arrays]
    quantised = operator.startswith("QLinear") or operator == "DequantizeLinear"
    as_bytes = quantised and is_array(arrays[0]) and arrays[0].dtype == np.uint8
    scale, zero = {"QLinearMatMul": (1, 2), "QLinearConv": (1, 2), "DequantizeLinear": (1, 2)}.get(operator, (None, None))
    operand = lambda at: w.node.input[at] if at is not None and at < len(w.node.input) else ""

    def convert(k, name, part):
        kind = w.kinds[name]
        if as_bytes or kind == TensorProto.FLOAT:
            return part
        if not quantised or not operand(zero):
            return w.add(w.before, "Cast", [part], f"{name}_cast", to=kind)
        if w.kinds[operand(scale)] == TensorProto.FLOAT16:
            part = w.add(w.before, "Cast", [part], f"{name}_half", to=TensorProto.FLOAT16)
        return w.add(w.before, "QuantizeLinear", [part, operand(scale), operand(zero)], f"{name}_quantised")

    shape = w.cut(shapes, convert)
    if all(map(is_array, arrays)):
        if quantised and not as_bytes:
            s, z = w.arrays[1], w.arrays[2] if len(w.arrays) > 2 else 0
            arrays = [(arrays[0].astype(np.float32) - np.float32(z)) * np.float32(s)]
        x = np.concatenate([array.astype(np.float32).reshape(-1) for array in arrays])
    else:
        x = np.zeros(0, np.float32)
    names, results = [name for name, _ in w.outputs], w.results
    kinds = {kind for _, kind in w.outputs}
    if operator.startswith("QLinear") or operator == "QuantizeLinear":
        scale, zero = {"QuantizeLinear": (1, 2), "QLinearMatMul": (6, 7), "QLinearConv": (6, 7)}[operator]
        inputs = [names[0], *(operand(at) for at in (scale, zero) if operand(at))]
        attributes = [a for a in w.node.attribute if a.name in ("axis", "block_size")]
        names = [w.add(w.after, "DequantizeLinear", inputs, "real")]
        w.after[-1].attribute.extend(attributes)
        kinds = {w.kinds[operand(scale)]}
        s, z = (w.arrays[at] if len(w.arrays) > at else 0 for at in (scale, zero))
        if is_array(results[0]) and (not is_array(z) or z.dtype.itemsize == 1):
            axis = (slice(None), *[None] * (results[0].ndim - 2))
            s, z = (v[axis] if is_array(v) and v.ndim == 1 and v.size > 1 else v for v in (s, z))
            try:
                results = [(results[0].astype(np.float32) - np.float32(z)) * np.float32(s)]
            except ValueError:
                results = [None]
        else:
            results = [None]
    elif operator == "Softmax":
        # A softmax at the end would be dropped.
        names = [w.add(w.after, "Relu", [names[0]], "kept")]
    elif operator in MOVES:
        names = [w.add(w.after, "Neg", [w.joined(names)], "negated")]
        results = [-result for result in results]
    outputs = w.outputs
    if len(kinds) == 1:
        names = [w.joined(names)]
        if kinds <= {TensorProto.FLOAT16, TensorProto.DOUBLE}:
            names = [w.add(w.after, "Cast", names, "single", to=TensorProto.FLOAT)]
            kinds = {TensorProto.FLOAT}
        outputs = [(names[0], *kinds)]
    else:
        # Of several outputs, the one of floats is taken.
        results = results[:1]
    y = np.zeros(0, np.float32)
    if all(map(is_array, results)):
        y = np.concatenate([result.astype(np.float32).reshape(-1) for result in results])
    return w, w.model(TensorProto.UINT8 if as_bytes else TensorProto.FLOAT, shape, outputs), x, y


def integer_form(case, constants):
    """The case for the importer; nothing if the integer profile has no such operator."""
    w = Wrapped(case, constants)
    operator = w.node.op_type
    arrays = [array for _, array in w.activations]
    if not all(map(is_array, arrays)):
        return None
    kind = w.kinds[w.activations[0][0]]
    if kind == TensorProto.FLOAT:
        if operator not in ON_INT32 | ON_UINT8:
            return None
        converted = as_integers(case, w, operator in ON_INT32)
        if converted is None:
            return None
        arrays, results = converted
        kind = TensorProto.INT32 if operator in ON_INT32 else TensorProto.UINT8
    elif kind in (TensorProto.DOUBLE, TensorProto.FLOAT16):
        return None
    else:
        results = w.results
    shifts = [128 if is_array(array) and (array < 0).any() else 0 for array in arrays]

    def convert(k, name, part):
        if kind == TensorProto.UINT8:
            return part
        if shifts[k]:
            wide = w.add(w.before, "Cast", [part], f"{name}_wide", to=TensorProto.INT32)
            shift = w.initialise(f"{name}_shift", np.int32(shifts[k]))
            part = w.add(w.before, "Sub", [wide, shift], f"{name}_shifted")
            if kind == TensorProto.INT32:
                return part
        return w.add(w.before, "Cast", [part], f"{name}_cast", to=kind)

    shape = w.cut([list(array.shape) for array in arrays], convert)
    x = np.concatenate([(array.astype(np.int64) + shift).reshape(-1) for array, shift in zip(arrays, shifts)])
    x = x.astype(np.uint8)
    names = [name for name, _ in w.outputs]
    mixed = len({kind for _, kind in w.outputs}) > 1
    if mixed:
        names = names[:1]
    if operator in ON_UINT8 and kind == TensorProto.UINT8:
        wide = w.add(w.after, "Cast", [w.joined(names)], "wide", to=TensorProto.INT32)
        shift = w.initialise("shift", np.int32(128))
        names = [w.add(w.after, "Sub", [wide, shift], "y_shifted")]
        results = [np.concatenate([r.reshape(-1) for r in results]).astype(np.int32) - 128]
    else:
        names = [w.joined(names)]
    y = np.concatenate([np.asarray(result).reshape(-1) for result in results])
    out = {np.dtype(np.int64): TensorProto.INT64, np.dtype(np.int32): TensorProto.INT32, np.dtype(np.uint8): TensorProto.UINT8}
    outputs = [(names[0], out.get(y.dtype, kind)), *(w.outputs[1:] if mixed else [])]
    return w, w.model(TensorProto.UINT8, shape, outputs), x, y


def as_integers(case, w, wide):
    """A case of floats, on integers: int32 of 8 bits, or uint8; nothing if a result is infinite. Changes the initialisers of `w`."""
    finite = [a for _, a in w.activations if a.size]
    most = max((float(np.abs(a[np.isfinite(a)]).max(initial=0)) for a in finite), default=0) or 1.0
    scale = 100.0 / most
    offset = 0 if wide else 128

    def whole(a):
        return np.clip(np.round(a * scale) + offset, -(2**30), 2**30)

    feeds = {}
    for name, array in w.activations:
        feeds[name] = np.clip(whole(array), -128 if wide else 0, 127 if wide else 255).astype(np.float32)
    for name, array in w.constants.items():
        if array.dtype != np.float32 or w.node.op_type == "Resize":
            feeds[name] = array
            continue
        feeds[name] = whole(array).astype(np.float32)
        at = next(k for k, tensor in enumerate(w.initialisers) if tensor.name == name)
        kind = np.int32 if wide else np.uint8
        w.initialisers[at].CopyFrom(numpy_helper.from_array(feeds[name].astype(kind), name))
    results = ReferenceEvaluator(case.model).run(None, {value.name: feeds[value.name] for value in case.model.graph.input})
    if not all(np.isfinite(result).all() for result in results):
        return None
    kind = np.int32 if wide else np.uint8
    results = [result if result.dtype == np.int64 else result.astype(kind) for result in results]
    for (_, declared), array in zip(w.outputs, results):
        assert (declared == TensorProto.INT64) == (array.dtype == np.int64)
    return [feeds[name].astype(kind) for name, _ in w.activations], results


def main():
    np.random.seed(0)
    records, left_out = [], []
    for case in sorted(collect_testcases(None), key=lambda case: case.name):
        nodes = case.model.graph.node
        if "_expanded" in case.name or len(nodes) != 1 or nodes[0].op_type not in WEIGHTS or nodes[0].domain:
            continue
        operator = nodes[0].op_type
        constants = WEIGHTS[operator]
        variants = [("", constants)]
        if operator in EITHER and len(nodes[0].input) > 1:
            variants.append((" with constants", set(range(1, len(nodes[0].input)))))
        for suffix, constants in variants:
            for form in (float_form, integer_form):
                integers = form is integer_form
                kinds = {value.type.tensor_type.elem_type for value in case.model.graph.input[:1]}
                # Cases of plain integers are none for `quantize`.
                plain = operator not in ("QLinearMatMul", "QLinearConv", "DequantizeLinear", "QuantizeLinear")
                if not integers and plain and not kinds <= {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE}:
                    continue
                if integers and not plain:
                    continue
                made = form(case, constants)
                if made is None:
                    continue
                w, model, x, y = made
                name = "integer" if integers else "float"
                if spatial_axes(case) == 3:
                    x, y = x[:0], y[:0]
                elif x.size + y.size > MOST[name]:
                    left_out.append(f"{w.name} ({name})")
                    continue
                fields = [
                    (w.name + suffix).encode(),
                    operator.encode(),
                    str(since(operator)).encode(),
                    name.encode(),
                    model,
                    x.tobytes(),
                    y.tobytes(),
                ]
                records.append(b"".join(struct.pack("<I", len(field)) + field for field in fields))
    path = Path(__file__).parents[2] / "zk-circuits/tests/fixtures/backend_cases.bin"
    path.write_bytes(b"".join(records))
    print(len(records), "records,", path.stat().st_size, "bytes; left out:", ", ".join(left_out))


if __name__ == "__main__":
    main()
