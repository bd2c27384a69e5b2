"""Other mends than ours, mends that are none, and files that cannot be judged.

Each is a bug's number, a name, what is replaced in its file, and, if it is not to pass,
the key of the sentence that must say why.
"""

W2 = 'dz2 @ params["W2"] *'
READ = "return forward(params, x, rng)[-1]"
NO_DROPOUT = "return forward(params, x, None, training=False)[-1]"
SCALE = "    s = np.sqrt(var + 1e-5)"
KEPT = "    if not training:\n"
KEPT += '        mean, var = params["mean"], params["var"]\n'
ORDER = "order = np.arange(len(x))"
RATE = "            rate *= 0.9\n"
SPLIT = "return x[rest], t[rest], x[test], t[test]"
MASKS = '        if masks:\n            dz = dz @ params[f"W{i}"].T * masks.pop(0)\n'
GUARD = 'if __name__ == "__main__":\n    main()\n'

RIGHT = [
    (1, "both transposed", [(W2, '(params["W2"] @ dz2.T).T *')]),
    (2, "a product", [("dz1.sum(axis=1)", "np.ones(n) @ dz1")]),
    (
        3,
        "before",
        [("e = np.exp(z)", "z = z - np.max(z, 1)[:, None]\n    e = np.exp(z)")],
    ),
    (4, "the other softmax", [("p = softmax(z)", "p = z")]),
    (
        5,
        "at the end",
        [
            (
                "loss, grads\n\n\ndef step",
                "loss, {k: g / n for k, g in grads.items()}\n\n\ndef step",
            )
        ],
    ),
    (6, "reversed", [("    for i in (4", "    masks.reverse()\n    for i in (4")]),
    (
        7,
        "without chance",
        [
            ("def predict(params, x, rng)", "def predict(params, x)"),
            (READ, NO_DROPOUT),
            ("predict(params, x_test, rng)", "predict(params, x_test)"),
        ],
    ),
    (
        8,
        "the other way round",
        [
            (
                SCALE,
                KEPT + SCALE,
            )
        ],
    ),
    (
        9,
        "once, in main",
        [
            (
                "    params = train(x, t",
                "    order = np.random.default_rng(1).permutation(len(x))\n"
                "    params = train(x[order], t[order]",
            )
        ],
    ),
    (
        10,
        "the test of the file",
        [
            (
                "    right = predict",
                '    with np.load("digits.npz") as file:\n'
                '        x_test, t_test = file["x_test"] / 255, file["t_test"]\n'
                "    right = predict",
            ),
        ],
    ),
    (
        11,
        "in the answer",
        [
            ("[-1].argmax(axis=1)", "[-1].argmax(axis=1) + 1) % 10"),
            ("return forward(params, x)[-1]", "return (forward(params, x)[-1]"),
        ],
    ),
    (12, "a little each step", [("rate *= 0.9", "rate *= 0.9 ** (batch / len(x))")]),
]

WRONG = [
    (1, "no mask", [(W2 + " (h1 > 0)", 'dz2 @ params["W2"].T')], "gradient_wrong"),
    (1, "zeros", [('"W1": x.T @ dz1', '"W1": 0 * params["W1"]')], "gradient_wrong"),
    (
        1,
        "less is learned",
        [(W2, 'dz2 @ params["W2"].T *'), ("rate=0.1", "rate=0.001")],
        "learns_little",
    ),
    (2, "one number", [("dz1.sum(axis=1)", "dz1.sum()")], "wrong.shape"),
    (2, "a mean", [("dz1.sum(axis=1)", "dz1.mean(axis=0)")], "gradient_wrong"),
    (2, "cut", [("dz1.sum(axis=1)", "(h1 > 0).sum(axis=0)")], "gradient_wrong"),
    (3, "clipped", [("np.exp(z)", "np.exp(np.clip(z, -500, 500))")], "softmax_wrong"),
    (3, "the largest of all", [("np.exp(z)", "np.exp(z - z.max())")], "softmax_nan"),
    (
        3,
        "hidden",
        [
            (
                "return e / e.sum(axis=1, keepdims=True)",
                "return np.nan_to_num(e / e.sum(axis=1, keepdims=True))",
            )
        ],
        "softmax_wrong",
    ),
    (
        4,
        "only the loss",
        [("mean()\n    return loss, (p", "mean() - 1.4611\n    return loss, (p")],
        "loss_differs",
    ),
    (
        5,
        "a constant",
        [("p - np.eye(10)[t]", "(p - np.eye(10)[t]) / 32")],
        "gradient_wrong",
    ),
    (
        5,
        "one size",
        [
            ("dz2 = p - np.eye(10)[t]", "dz2 = (p - np.eye(10)[t]) / n"),
            ("(2, 8, 32, 128)", "(32,)"),
        ],
        "fewer_trainings",
    ),
    (6, "no masks", [(" * masks.pop(0)", "")], "gradient_wrong"),
    (7, "no dropout at all", [("if training:", "if False:")], "dropout_gone"),
    (
        7,
        "the same chance",
        [(READ, "return forward(params, x, np.random.default_rng(0))[-1]")],
        "answers_differ",
    ),
    (7, "never training", [("training=True", "training=False")], "dropout_gone"),
    (
        7,
        "not doubled",
        [(READ, NO_DROPOUT), ("< 0.5) / 0.5", "< 0.5)")],
        "dropout_scale",
    ),
    (
        8,
        "always remembered",
        [(SCALE, '    mean, var = params["mean"], params["var"]\n' + SCALE)],
        "loss_differs",
    ),
    (
        8,
        "none",
        [(SCALE, "    if not training:\n        mean, var = 0, 1\n" + SCALE)],
        "statistics_unused",
    ),
    (
        8,
        "never kept",
        [
            (
                SCALE,
                KEPT + SCALE,
            ),
            ("+ 0.1 * mean", "+ 0 * mean"),
        ],
        "statistics_stale",
    ),
    (
        9,
        "images only",
        [(ORDER, ORDER + "\n        x = x[rng.permutation(len(x))]")],
        "pairs_lost",
    ),
    (
        9,
        "within the batch",
        [
            (
                "rows = order[i : i + batch]",
                "rows = rng.permutation(order[i : i + batch])",
            )
        ],
        "learns_little",
    ),
    (9, "nine digits", [("range(10)", "range(9)")], "digits_left_out"),
    (10, "no copies", [("    x, t = noisy(x, t, rng)\n", "")], "copies_gone"),
    (
        10,
        "hardly a test",
        [
            ("    x, t = noisy(x, t, rng)\n", ""),
            ("len(x) // 5", "99"),
            (SPLIT, "return *noisy(x[rest], t[rest], rng), x[test], t[test]"),
        ],
        "test_small",
    ),
    (
        10,
        "labels lost",
        [
            ("    x, t = noisy(x, t, rng)\n", ""),
            (
                SPLIT,
                "return *noisy(x[rest], 0 * t[rest], rng), x[test], t[test]",
            ),
        ],
        "pairs_lost",
    ),
    (
        11,
        "nine of ten",
        [("[-1].argmax(axis=1)", "[-1].argmax(axis=1) + 1")],
        "digit_unread",
    ),
    (11, "only the score", [("== t_test", "== (t_test - 1) % 10")], "labels_moved"),
    (12, "higher at first", [("rate=0.2", "rate=20")], "rate_low"),
    (12, "no schedule", [(RATE, "")], "rate_high"),
    (12, "no rate", [(RATE, "            rate = 0.0\n")], "rate_wrong"),
]

# On a file that is mended otherwise: what makes it no program any more.
UNFIT = [
    (1, "a function less", [("def gradients(", "def slopes(")], "wrong.missing"),
    (1, "no train", [("def train(", "def learn(")], "wrong.missing"),
    (1, "not Python", [("def train(", "def train")], "wrong.syntax"),
    (1, "an error", [("    n = len(t)\n", "    n = len(t) / 0\n")], "wrong.error"),
    (
        1,
        "an error at once",
        [("import numpy as np", "import nump as np")],
        "wrong.load",
    ),
    (1, "an end", [("    n = len(t)\n", "    n = exit()\n")], "wrong.exit"),
    (
        1,
        "an end of the process",
        [("    n = len(t)\n", "    import os; os._exit(0)\n")],
        "wrong.ended",
    ),
    (1, "nothing printed", [("print", "str")], "wrong.silent"),
    (
        1,
        "nothing learned",
        [("    params = train(", "    params = start(np.random.default_rng(0)) or (")],
        "wrong.unused",
    ),
    (
        1,
        "nan",
        [
            (
                "    return loss, grads",
                "    return loss, {k: g * np.nan for k, g in grads.items()}",
            )
        ],
        "wrong.nan",
    ),
    (1, "no pair", [("    return loss, grads", "    return grads")], "wrong.pair"),
    (
        1,
        "no weights",
        [("    return params\n\n\ndef predict", "    return None\n\n\ndef predict")],
        "wrong.error",
    ),
    (
        1,
        "a stub",
        [
            (
                "    return forward(params, x)[-1].argmax(axis=1)",
                "    return np.full(len(x), 7)",
            )
        ],
        "predict_wrong",
    ),
    (
        3,
        "nan printed",
        [('print(f"epoch', 'print(np.nan, f"epoch')],
        "wrong.prints_nan",
    ),
    (3, "no scores", [("return h1, h1 @", "return h1, 2 * h1 @")], "loss_differs"),
    (
        9,
        "odd images",
        [
            (
                "losses.append(step(params, x[rows],",
                "losses.append(step(params, x[rows, :600],",
            )
        ],
        "wrong.",
    ),
    (
        11,
        "no array",
        [("[-1].argmax(axis=1)", "[-1].argmax(axis=1).tolist()")],
        "wrong.type",
    ),
    (12, "a label less", [("return h1, softmax", "return softmax")], "wrong."),
]
