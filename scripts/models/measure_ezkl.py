#!/usr/bin/env python3
"""Proves one inference of a float model with EZKL, and prints seconds and peak megabytes of each step as JSON.

    measure_ezkl.py MODEL.onnx ROWS.u8 FOLDER

Every step runs in a process of its own; its time is without starting Python, its memory with it. No step gets
more memory than the machine has left. All is as EZKL has it by default, but that inputs and outputs are
public, parameters fixed, and the calibration for resources. Needs numpy, onnx and ezkl.
"""

import asyncio
import inspect
import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path

# Left to the rest of the machine.
RESERVE = 1 << 30
# Rows to calibrate with.
CALIBRATION = 8


def available():
    """Bytes that programs could take without swapping."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    (kibibytes,) = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(kibibytes) << 10


def timed(step):
    """The seconds of a step, which may be asynchronous; it fails by an exception or by giving False."""
    import ezkl

    async def run():
        result = step(ezkl)
        return await result if inspect.isawaitable(result) else result

    limit = available() - RESERVE
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    start = time.perf_counter()
    if asyncio.run(run()) is False:
        raise RuntimeError("EZKL says no")
    return time.perf_counter() - start


def apart(name, step):
    """Runs a step in another process: its seconds, and its peak memory in megabytes."""
    print(f"EZKL: {name}", file=sys.stderr)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            os.write(writer, json.dumps(timed(step)).encode())
            status = 0
        except BaseException:
            traceback.print_exc()
        os._exit(status)
    os.close(writer)
    seconds = os.read(reader, 100)
    os.close(reader)
    _, status, usage = os.wait4(child, 0)
    if status != 0:
        sys.exit(f"error: {name} failed")
    return [json.loads(seconds), usage.ru_maxrss * 1024 / 1e6]


def prepare(model, rows, folder):
    """Writes what EZKL reads: the model for a batch of one, and rows as numbers."""
    import numpy as np
    import onnx

    network = onnx.load(model)
    for value in [*network.graph.input, *network.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(network, folder / "network.onnx")
    dims = network.graph.input[0].type.tensor_type.shape.dim
    images = np.fromfile(rows, np.uint8).reshape(-1, np.prod([dim.dim_value for dim in dims]))
    for name, count in [("input", 1), ("calibration", CALIBRATION)]:
        data = {"input_data": [images[:count].astype(float).flatten().tolist()]}
        (folder / f"{name}.json").write_text(json.dumps(data))


def main():
    model, rows, folder = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)

    def at(name):
        return str(folder / name)

    model_files = [at("network.onnx"), at("settings.json")]
    circuit, witness, proof = at("network.ezkl"), at("witness.json"), at("proof.json")
    pk, vk, srs = at("pk"), at("vk"), at("srs")

    def settings(ezkl):
        arguments = ezkl.PyRunArgs()
        arguments.input_visibility = "public"
        arguments.output_visibility = "public"
        arguments.param_visibility = "fixed"
        return ezkl.gen_settings(*model_files, arguments)

    def logrows():
        return json.loads((folder / "settings.json").read_text())["run_args"]["logrows"]

    steps = {
        "prepare": lambda _: prepare(model, rows, folder),
        "settings": settings,
        "calibrate": lambda ezkl: ezkl.calibrate_settings(
            at("calibration.json"), *model_files, "resources", 2.0, None, [1], None
        ),
        "compile": lambda ezkl: ezkl.compile_circuit(at("network.onnx"), circuit, at("settings.json")),
        "srs": lambda ezkl: ezkl.gen_srs(srs, logrows()),
        "setup": lambda ezkl: ezkl.setup(circuit, vk, pk, srs, None, False),
        "witness": lambda ezkl: ezkl.gen_witness(at("input.json"), circuit, witness, None, None),
        "prove": lambda ezkl: ezkl.prove(witness, circuit, pk, proof, srs),
        "verify": lambda ezkl: ezkl.verify(proof, at("settings.json"), vk, srs, False),
    }
    report = {name: apart(name, step) for name, step in steps.items()}
    print(json.dumps({**report, "logrows": logrows(), "key_mb": Path(pk).stat().st_size / 1e6}))


if __name__ == "__main__":
    main()
