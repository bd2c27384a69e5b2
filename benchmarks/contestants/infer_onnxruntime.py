"""onnxruntime answering: a graph made for one size of batch, fully optimised."""

import os
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.contestants import calls
from benchmarks.contestants.architecture import (
    Convolution,
    Dense,
    Pool,
    he_weights_channels_first,
    parse,
)
from benchmarks.machine import usable_processors

OPSET = 17
IR_VERSION = 8  # of that operator set


def graph(network: str, batch: int) -> onnx.ModelProto:
    """Return the network as ONNX, from "x" (images channels first) to "p"."""
    weights = iter(he_weights_channels_first(network, calls.WEIGHTS_SEED))
    nodes: list[Any] = []
    arrays: list[Any] = []

    def add(kind: str, parameters: tuple[Any, ...] = (), **attributes: Any) -> None:
        """Append a node that reads the last one's output."""
        inputs = [f"y{len(nodes)}"]
        for array in parameters:
            inputs.append(f"w{len(arrays)}")
            arrays.append(numpy_helper.from_array(array, inputs[-1]))
        output = f"y{len(nodes) + 1}"
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    steps = parse(network)
    for step in steps:
        match step:
            case Convolution():
                add("Conv", next(weights), kernel_shape=[step.size] * 2)
                add("Relu")
            case Pool():
                size = [step.size] * 2
                add("MaxPool", kernel_shape=size, strides=size)
            case Dense():
                if len(step.input_shape) == 3:
                    add("Flatten")
                add("Gemm", next(weights), transB=1)
                add("Relu")
    nodes.pop()
    add("Softmax")
    shape = [batch, *steps[0].input_shape[2:], *steps[0].input_shape[:2]]
    classes = list(steps[-1].output_shape)
    model = helper.make_model(
        helper.make_graph(
            nodes,
            network,
            [helper.make_tensor_value_info("y0", TensorProto.FLOAT, shape)],
            [
                helper.make_tensor_value_info(
                    nodes[-1].output[0], TensorProto.FLOAT, [batch, *classes]
                )
            ],
            arrays,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model)
    return model


def run(*, network: str, batch: int, n_test: int, seconds: float) -> dict[str, float]:
    """Time `InferenceSession.run`, from array to array."""
    options = onnxruntime.SessionOptions()
    # It does not listen to the variable itself, and takes real cores for processors.
    options.intra_op_num_threads = int(
        os.environ.get("OMP_NUM_THREADS", usable_processors())
    )
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        graph(network, batch).SerializeToString(),
        options,
        providers=["CPUExecutionProvider"],
    )
    inputs = [
        np.ascontiguousarray(x.transpose(0, 3, 1, 2) if x.ndim == 4 else x)
        for x in calls.batches(network, batch, n_test)
    ]
    return calls.time_calls(lambda x: session.run(None, {"y0": x})[0], inputs, seconds)
