"""What others compute from a model: ONNX's reference, and onnxruntime."""

import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator
from onnx.reference.ops import op_dequantize_linear, op_max_pool

onnxruntime.set_default_logger_severity(3)


class MaxPool(op_max_pool.MaxPool):
    """The reference's, always by its general way.

    For strides of 1 it takes another, which reads ``pads`` as (top, bottom, left,
    right) where ONNX says (top, left, bottom, right): with onnx 1.23 unequal padding
    gives other numbers, or another shape.
    """

    op_domain = ""

    def _run(self, x, storage_order=None, **how):
        names = (
            "auto_pad",
            "ceil_mode",
            "dilations",
            "kernel_shape",
            "pads",
            "strides",
        )
        settings = {name: how.get(name) for name in names}
        return self._max_pool(x, storage_order=storage_order, **settings)


class DequantizeLinear(op_dequantize_linear.DequantizeLinear_25):
    """The reference's: onnx 1.23 finds none for opset 17, though it is the same."""

    op_domain = ""


def check(content):
    """Let ONNX check a model, strictly."""
    onnx.checker.check_model(content, full_check=True)
    onnx.shape_inference.infer_shapes(
        content, strict_mode=True, check_type=True, data_prop=True
    )


def by_reference(content, feeds):
    model = onnx.load_from_string(content)
    return ReferenceEvaluator(model, new_ops=[MaxPool, DequantizeLinear]).run(
        None, feeds
    )


def by_onnxruntime(content, feeds, outputs=None):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(outputs, feeds)
