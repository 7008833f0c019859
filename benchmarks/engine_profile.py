"""Where the engine's time goes, and how far it is from what the machine can multiply.

    python benchmarks/engine_profile.py --model default

One thread, one batch of 32 sentences of 32 tokens. Each operator's time is the shortest of its runs, so that other load on the
machine counts little. The limit is the fastest that ONNX Runtime multiplies matrices of the model's own shapes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from framelens.checkpoint import ONNX, open_checkpoint
from framelens.engine import SLOW_FUSIONS
from framelens.tables import text_table

_ROWS = 1024  # tokens of the batch
_RUNS = 15
_MULTIPLY = ("DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulInteger", "MatMul", "FusedMatMul", "Gemm", "QAttention")


def session(model: Any, **options: Any) -> onnxruntime.InferenceSession:
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    settings.log_severity_level = 3
    for name, value in options.items():
        setattr(settings, name, value)
    return onnxruntime.InferenceSession(
        model, settings, providers=["CPUExecutionProvider"], disabled_optimizers=list(SLOW_FUSIONS)
    )


def profile(path: Path) -> dict[str, tuple[float, int]]:
    """Milliseconds and number of nodes by operator."""
    with tempfile.TemporaryDirectory() as scratch:
        model = session(str(path), enable_profiling=True, profile_file_prefix=str(Path(scratch) / "run"))
        ids = np.random.default_rng(0).integers(1000, 20000, (_ROWS // 32, 32))
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        wanted = {node.name for node in model.get_inputs()}
        if "target_mask" in wanted:
            inputs |= {"target_mask": np.zeros((0, 32), np.float32), "target_rows": np.zeros(0, np.int64)}
        for _ in range(_RUNS):
            model.run(None, {name: value for name, value in inputs.items() if name in wanted})
        events = json.loads(Path(model.end_profiling()).read_text(encoding="utf-8"))
    durations: dict[tuple[str, str], list[int]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("kernel_time"):
            durations[event["args"]["op_name"], event["name"]].append(event["dur"])
    total: Counter[str] = Counter()
    number: Counter[str] = Counter()
    for (operator, _), values in durations.items():
        total[operator] += min(values)
        number[operator] += 1
    return {operator: (micros / 1000, number[operator]) for operator, micros in total.most_common()}


def rate(inner: int, outer: int, int8: bool) -> float:
    """Billions of multiply-adds a second of ``(_ROWS, inner) @ (inner, outer)``."""
    weights = np.random.default_rng(0).integers(-127, 127, (inner, outer)).astype(np.int8 if int8 else np.float32)
    kind, result = (TensorProto.UINT8, TensorProto.INT32) if int8 else (TensorProto.FLOAT, TensorProto.FLOAT)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger" if int8 else "MatMul", ["x", "w"], ["y"])],
        "gemm",
        [helper.make_tensor_value_info("x", kind, [_ROWS, inner])],
        [helper.make_tensor_value_info("y", result, [_ROWS, outer])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = session(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
    x = np.random.default_rng(1).integers(0, 255, (_ROWS, inner)).astype(np.uint8 if int8 else np.float32)
    best = float("inf")
    for _ in range(4 * _RUNS):
        started = time.perf_counter()
        model.run(None, {"x": x})
        best = min(best, time.perf_counter() - started)
    return _ROWS * inner * outer / best / 1e9


def main() -> None:
    """Print the operators, and the rates of multiplication."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="default")
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--inner", type=int, default=1536)
    parser.add_argument("--layers", type=int, default=6)
    arguments = parser.parse_args()
    width, inner = arguments.width, arguments.inner
    found = profile(open_checkpoint(arguments.model).file(ONNX))
    whole = sum(ms for ms, _ in found.values())
    rows = [[name, f"{ms:.2f}", f"{100 * ms / whole:.1f}", str(number)] for name, (ms, number) in found.items() if ms > 0.02]
    print(text_table(["operator", "ms", "% of time", "nodes"], rows))
    multiplied = arguments.layers * _ROWS * (4 * width * width + 2 * width * inner) / 1e9
    spent = sum(ms for name, (ms, _) in found.items() if name in _MULTIPLY) / 1000
    shapes = [(width, width), (width, inner), (inner, width)]
    limits = {name: max(rate(*shape, int8) for shape in shapes) for name, int8 in (("int8", True), ("float32", False))}
    print(f"\n{whole:.1f} ms for {_ROWS} tokens; {multiplied:.2f} billion multiply-adds in layers of weights")
    print(
        f"multiplying: {1000 * spent:.1f} ms, {multiplied / spent:.0f} billion a second; whole model {1000 * multiplied / whole:.0f}"
    )
    print(f"limit, one core: int8 {limits['int8']:.0f}, float32 {limits['float32']:.0f} billion a second")


if __name__ == "__main__":
    main()
