"""Make the models in ``models/``: small ones, as the exporters of others write them.

The exporters are no requirement of the tests, which read the files. To make them again,
in an environment of their own (`python -m venv`)::

    pip install onnx torch onnxscript && python make_models.py torch
    pip install onnx scikit-learn skl2onnx && python make_models.py sklearn
    pip install onnx keras torch onnxscript && python make_models.py keras_torch
    pip install onnx keras tensorflow-cpu tf2onnx && python make_models.py keras_tf

Made with torch 2.13, onnxscript 0.7.2, scikit-learn 1.9.1, skl2onnx 1.20, keras 3.15,
tensorflow 2.21, tf2onnx 1.17.
"""

import os
import sys
import warnings
from pathlib import Path

FOLDER = Path(__file__).parent / "models"


def path(name):
    return str(FOLDER / f"{name}.onnx")


def torch():
    import onnx
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(4, 6, 3, padding=1)
            self.norm = nn.BatchNorm2d(6)
            self.second = nn.Conv2d(6, 6, 3, padding=1, groups=2)
            self.side = nn.Conv2d(4, 6, 1)

        def forward(self, x):
            y = torch.relu(self.norm(self.first(x)))
            return torch.relu(self.second(y) + self.side(x))

    class View(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, stride=2)
            self.dense = nn.Linear(36, 5)

        def forward(self, x):
            y = torch.tanh(self.conv(x))
            return torch.log_softmax(self.dense(y.view(y.size(0), -1)), 1)

    torch.manual_seed(0)
    whole = nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), Block(), nn.AvgPool2d(2)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 10)),
        *(nn.GELU(approximate="tanh"), nn.LayerNorm(10), nn.Dropout()),
        *(nn.Linear(10, 3), nn.Softmax(dim=1)),
    )
    batch = ({0: torch.export.Dim("N")},)
    for name, module, shape, opset in (
        ("torch_dynamo", whole, (2, 1, 8, 8), None),
        ("torch_dynamo_18", whole, (2, 1, 8, 8), 18),
        ("torch_dynamo_view", View(), (2, 3, 8, 8), None),
    ):
        torch.onnx.export(
            module.eval(),
            (torch.zeros(shape),),
            path(name),
            dynamo=True,
            external_data=False,
            opset_version=opset,
            dynamic_shapes=batch if opset is None else None,  # once a fixed batch
        )
        model = onnx.load(path(name))
        # Where in the source each node comes from: longer than the model.
        for part in (*model.graph.node, *model.graph.value_info, model.graph):
            part.ClearField("metadata_props")
        onnx.save(model, path(name))


def sklearn():
    import numpy as np
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4)).astype(np.float32)
    y = rng.integers(0, 3, 60)
    how = {"hidden_layer_sizes": (5,), "max_iter": 3, "random_state": 0}
    plain = {"options": {"zipmap": False}}
    scaled = make_pipeline(StandardScaler(), MLPClassifier(**how))
    one_hot = np.eye(3, dtype=int)[y]
    for name, model, t, options in (
        ("three_classes", MLPClassifier(activation="tanh", **how), y, {}),
        ("two_classes", MLPClassifier(activation="logistic", **how), y % 2, plain),
        ("multilabel", MLPClassifier(**how), one_hot, plain),
        ("scaled", scaled, np.array(["un", "deux", "trois"])[y], {}),
        ("regression", MLPRegressor(**how), x[:, 0], {}),
        ("two_values", MLPRegressor(**how), x[:, :2], {}),
    ):
        content = to_onnx(model.fit(x, t), x[:1], **options).SerializeToString()
        Path(path(f"sklearn_{name}")).write_bytes(content)


def keras(backend):
    os.environ["KERAS_BACKEND"] = {"tf": "tensorflow"}.get(backend, backend)
    import keras
    import numpy as np
    from keras import layers

    keras.utils.set_random_seed(0)
    # Keras on torch cannot export its layer normalisation.
    norm = [layers.LayerNormalization()] if backend == "tf" else []
    flat = [
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(2),
        layers.Conv2D(6, 3, strides=2, padding="same"),
        layers.LeakyReLU(0.2),
        layers.DepthwiseConv2D(2),
        layers.Flatten(),
        layers.Dense(7, activation="elu"),
        *norm,
        layers.Dropout(0.3),
        layers.Dense(3, activation="softmax"),
    ]
    mean = [
        layers.Conv2D(4, 3),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.AveragePooling2D(2),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3, activation="tanh"),
        layers.BatchNormalization(),
        layers.Dense(2),
    ]
    for name, rows, channels in (("flat", flat, 1), ("mean", mean, 3)):
        shape = (12, 12, channels)
        model = keras.Sequential([layers.Input(shape), *rows])
        for layer in model.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.set_weights([w + 0.3 for w in layer.get_weights()])
        model(np.zeros((2, *shape), np.float32))
        model.export(path(f"keras_{backend}_{name}"), format="onnx", verbose=False)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    kind, _, backend = sys.argv[1].partition("_")
    if kind == "keras":
        keras(backend)
    else:
        {"torch": torch, "sklearn": sklearn}[kind]()
