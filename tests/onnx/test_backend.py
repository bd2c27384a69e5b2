"""ONNX's own tests of operators, on Ardoise's arithmetic.

The cases are those of `onnx.backend.test`: one node each, or a function of ONNX written
out in other operators ("expanded"), and models that PyTorch once wrote (opset 6).
"""

import importlib
import io
import re
import unittest
import warnings
from unittest import mock

import numpy as np
import pytest
from onnx.backend.base import Backend, BackendRep
from onnx.backend.test import BackendTest
from onnx.backend.test.loader import load_model_tests

from ardoise.onnx import OnnxError, load, run

# Module of onnx.backend.test.case.node → how many of its cases pass: all but EXCLUDED.
NODES = {
    **{"abs": 1, "add": 8, "and_": 8, "argmax": 16, "argmin": 16, "averagepool": 20},
    **{"batch_normalization": 2, "cast": 6, "castlike": 12, "ceil": 2, "celu": 4},
    **{"clip": 24, "concat": 12, "constant": 1, "constantofshape": 3, "conv": 6},
    **{"cos": 2, "dequantizelinear": 5, "div": 10, "dropout": 6, "elu": 6, "equal": 8},
    **{"erf": 1, "exp": 2},
    **{"expand": 2, "flatten": 9, "floor": 2, "gather": 4, "gelu": 8, "gemm": 11},
    **{"globalaveragepool": 2, "globalmaxpool": 2, "greater": 8},
    **{"greater_or_equal": 16, "hardsigmoid": 6, "hardswish": 2, "identity": 1},
    **{"instance_normalization": 2, "isinf": 4, "isnan": 2, "layernormalization": 57},
    **{"leakyrelu": 6, "less": 8, "less_or_equal": 16, "log": 2, "logsoftmax": 21},
    **{"matmul": 7, "max": 14, "maxpool": 19, "mean": 3, "min": 14, "mish": 2},
    **{"mul": 9, "neg": 2, "or_": 8, "pad": 6, "pow": 12, "prelu": 4},
    **{"quantizelinear": 6, "rangeop": 3},
    **{"reciprocal": 2, "reduce_log_sum": 10, "reduce_log_sum_exp": 18},
    **{"reducel1": 18, "reducel2": 18, "reducemax": 11, "reducemean": 8},
    **{"reducemin": 10, "reduceprod": 9, "reducesum": 12, "reducesumsquare": 18},
    **{"relu": 2, "reshape": 10, "rmsnormalization": 38, "round": 1, "selu": 6},
    **{"shape": 11, "sigmoid": 2, "sign": 1, "sin": 2, "size": 2, "slice": 8},
    **{"softmax": 21, "softplus": 4, "softsign": 4, "split": 16, "sqrt": 2},
    **{"squeeze": 2, "sub": 9, "sum": 3, "swish": 2, "tanh": 2, "thresholdedrelu": 6},
    **{"tile": 2, "transpose": 7, "unsqueeze": 7, "where": 2, "xor": 8},
}
TORCH = {"pytorch-converted": 80, "pytorch-operator": 34, "simple": 6}

# What of these is left out, and why.
EXCLUDED = {
    r"(FLOAT8|FLOAT4|INT4|INT2)": "NumPy has no numbers of 4 and 8 bits with a point",
    r"quantizelinear_(float|u?int[24]|e[45]m[23])": "as above: such numbers",
    r"(?i)bfloat16": "bfloat16 is computed, and returned, as float32",
    r"training": "models are used here, not trained",
    r"test_equal_string|strnorm": "Ardoise computes nothing with texts",
    r"test_identity_(sequence|opt)|test_sequence_": "tensors only",
    r"test_range_.*_expanded": "they loop",
    r"(?i)convtranspose": "no layer of Ardoise",
    r"test_gradient_of|test_shrink": "no layer of Ardoise",
}


class ArdoiseBackend(Backend):
    """Ardoise as ONNX wants to call it."""

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        return Prepared(model)

    @classmethod
    def supports_device(cls, device):
        return device == "CPU"


class Prepared(BackendRep):
    def __init__(self, model):
        self.model = load(model.SerializeToString())
        self.names = [entry.name for entry in model.graph.input]

    def run(self, inputs, **kwargs):
        feeds = dict(zip(self.names, inputs, strict=False))
        return tuple(run(self.model, feeds))


def load_nodes(modules):
    """Return module → the cases that it defines."""
    node = importlib.import_module("onnx.backend.test.case.node")
    cases = {}
    for module in modules:
        before = len(node._NodeTestCases)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of ONNX, as it makes the cases
            importlib.import_module(f"onnx.backend.test.case.node.{module}")
        cases[module] = node._NodeTestCases[before:]
    return cases


@pytest.fixture(scope="module")
def suite():
    """Return group (module, or kind) → its cases, as ONNX's runner has them."""
    groups = load_nodes(NODES)  # all of them, and no others: making them takes time
    groups |= {kind: load_model_tests(kind=kind) for kind in TORCH}

    def chosen(kind):
        if kind == "node":
            return [case for module in NODES for case in groups[module]]
        return groups.get(kind, [])

    with mock.patch("onnx.backend.test.runner.load_model_tests", chosen):
        runner = BackendTest(ArdoiseBackend, __name__)
    for pattern in EXCLUDED:
        runner.exclude(pattern)
    tests = {}
    for case in runner.test_cases.values():
        tests |= {name: case(name) for name in dir(case) if name.startswith("test_")}
    return {
        group: [tests[f"{case.name}_cpu"] for case in cases]
        for group, cases in groups.items()
    }


@pytest.mark.parametrize("group", [*NODES, *TORCH])
def test_cases(group, suite):
    done = unittest.TextTestRunner(stream=io.StringIO(), warnings=None).run(
        unittest.TestSuite(suite[group])
    )
    wrong = [*done.failures, *done.errors, *done.unexpectedSuccesses]
    assert not wrong, wrong[0][1]
    assert done.testsRun - len(done.skipped) == {**NODES, **TORCH}[group]


def test_what_is_left_out_is_refused_in_a_sentence(suite):
    """Or is returned in float32, where NumPy has no bfloat16."""
    node = importlib.import_module("onnx.backend.test.case.node")
    left = [
        c for c in node._NodeTestCases if any(re.search(p, c.name) for p in EXCLUDED)
    ]
    refused = 0
    for case in left:
        try:
            rep = ArdoiseBackend.prepare(case.model)
            outputs = rep.run(case.data_sets[0][0])
        except OnnxError:
            refused += 1
        else:
            assert {output.dtype.name for output in outputs} == {"float32"}
    assert refused > 150


def test_how_many_there_are():
    assert sum(NODES.values()) == 795
    assert sum(TORCH.values()) == 120
