"""How gradients change the weights.

An optimiser sees vectors, never layers: the parameters, their gradient, and the length
of the first part, on which weight decay acts. It works in place, part by part, so that
each part of the vectors stays in the cache while all its operations are done.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.tables import build

# Vectors longer than WHOLE numbers are updated in parts of PART. Adam on 235,146
# parameters: whole 0.35 ms, in parts 0.40 ms; on 5 million: whole 14.6, in parts 9.5.
WHOLE = 1 << 20
PART = 1 << 16


# A mean of gradients that have become 0 (of pixels in MNIST's margins) shrinks until it
# has fewer digits than usual, it is "subnormal", and processors are slow with those:
# after 900 steps Adam on 235,146 parameters takes 0.70 ms instead of 0.47. So what is
# below FADED times the least normal number is set to 0, once in FLUSH_STEPS steps. The
# weights of those pixels shrink, too, where they decay: a step of 784-100-10 with
# batches of 200 takes 1.2 ms at first, and 1.7 when 7,700 of them are subnormal.
FLUSH_STEPS = 32
FADED = 1e10


class Optimizer:
    """Base class: `bind` to the vectors once, then `step` after each backward pass.

    Attributes
    ----------
    t : int
        Steps made since `bind`.
    sections : list of slice
        The parts of the vectors that can be updated side by side.
    """

    name: ClassVar[str]
    fading: ClassVar[tuple[str, ...]] = ()  # slots whose numbers may shrink to nothing
    weight_decay: float = 0.0

    def slots(self) -> tuple[str, ...]:
        """Return the names of the vectors that it keeps from step to step."""
        return ()

    def bind(
        self,
        theta: Array,
        grad: Array,
        n_decay: int = 0,
        *,
        sections: Sequence[slice] | None = None,
        penalised: bool = False,
    ) -> None:
        """Start on these vectors, all of shape (n_params,).

        Parameters
        ----------
        theta, grad : arrays of shape (n_params,)
            Parameters and their gradient; views are kept.
        n_decay : int
            Weight decay acts on ``theta[:n_decay]``.
        sections : sequence of slice, optional
            Parts of the vectors, one after the other, each of which `update_section`
            does alone, on another thread perhaps. By default, one.
        penalised : bool
            Whether `begin_step` will be given a penalty.
        """
        self.t = 0
        self._penalty = 0.0
        self._state = {slot: np.zeros_like(theta) for slot in self.slots()}
        # Without weight decay there is no need to cut where it ends: fewer calls.
        cut = bool(self.weight_decay) or penalised
        border = n_decay if cut else 0
        self.sections = list(sections or [slice(0, len(theta))])
        self._parts = [
            self._cut(theta, grad, section, border) for section in self.sections
        ]

    def _cut(
        self, theta: Array, grad: Array, section: slice, border: int
    ) -> list[tuple[bool, Array, Array, Array, tuple[Array, ...]]]:
        """Return the views on the parts of one section, each decayed or not."""
        first, last = section.start, section.stop
        size = PART if last - first > WHOLE else max(1, last - first)
        scratch = np.empty(size, theta.dtype)
        bounds = sorted({first, last, *range(first, last, size)})
        if first < border < last:
            bounds = sorted({*bounds, border})
        parts = []
        for start, stop in pairwise(bounds):
            place = slice(start, stop)
            kept = tuple(self._state[slot][place] for slot in self._state)
            decayed = stop <= border
            parts.append(
                (decayed, theta[place], grad[place], scratch[: stop - start], kept)
            )
        return parts

    def step(self, learning_rate: float) -> None:
        """Change theta by one step; grad may be overwritten."""
        self.begin_step(learning_rate)
        for i in range(len(self.sections)):
            self.update_section(i)

    def begin_step(self, learning_rate: float, penalty: float = 0.0) -> None:
        """Begin a step, which `update_section` then makes, section by section.

        ``penalty`` · θ is added to the gradient of what decays: an L2 penalty of the
        loss, which is not an optimiser's own weight decay.
        """
        self.t += 1
        self._penalty = penalty
        self.prepare(learning_rate)

    def update_section(self, i: int) -> None:
        """Change the i-th section of theta."""
        for decayed, theta, grad, scratch, kept in self._parts[i]:
            if decayed and self._penalty:
                np.multiply(theta, self._penalty, out=scratch)
                np.add(grad, scratch, out=grad)
            if decayed and self.weight_decay:
                self.decay(theta, grad, scratch)
            self.update(theta, grad, scratch, *kept)
            if self.t % FLUSH_STEPS == 0:
                if decayed:
                    _flush(theta, scratch)
                for slot, vector in zip(self._state, kept, strict=True):
                    if slot in self.fading:
                        _flush(vector, scratch)

    def prepare(self, learning_rate: float) -> None:
        """Compute, as Python floats, what is the same for all parts of this step."""
        self._rate = learning_rate

    def decay(self, theta: Array, grad: Array, scratch: Array) -> None:
        """Add weight_decay · θ to the gradient of one part, before its update."""
        np.multiply(theta, self.weight_decay, out=scratch)
        np.add(grad, scratch, out=grad)

    def update(self, theta: Array, grad: Array, scratch: Array, *kept: Array) -> None:
        """Update one part of the vectors in place."""
        raise NotImplementedError

    def state(self) -> dict[str, Array]:
        """Return name → vector of what the optimiser remembers (views)."""
        return self._state

    def config(self) -> dict[str, Any]:
        """Return the settings as JSON values; `get` rebuilds the optimiser."""
        settings = {
            k: v
            for k, v in vars(self).items()
            if k not in ("t", "sections") and not k.startswith("_")
        }
        return {"name": self.name, **settings}

    def __repr__(self) -> str:
        values = [f"{k}={v!r}" for k, v in self.config().items() if k != "name"]
        return f"{type(self).__name__}({', '.join(values)})"


class SGD(Optimizer):
    """θ ← θ − rate · v, with v = g, or with momentum v ← momentum · v + g.

    Nesterov's form steps along g + momentum · v. Weight decay is added to the
    gradient: g + weight_decay · θ.

    Parameters
    ----------
    momentum : float
        In [0, 1).
    nesterov : bool
        Needs a momentum.
    weight_decay : float

    Raises
    ------
    ValueError
        If a setting is out of range.

    References
    ----------
    Robbins and Monro, 1951; Polyak, 1964; Sutskever et al., "On the importance of
    initialization and momentum", 2013, section 2, in PyTorch's form.
    """

    name = "sgd"
    fading = ("velocity",)

    def __init__(
        self,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.momentum = _in_unit("momentum", momentum)
        self.nesterov = bool(nesterov)
        self.weight_decay = _not_negative("weight_decay", weight_decay)
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0; got momentum=0")

    def slots(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def update(self, theta: Array, grad: Array, scratch: Array, *kept: Array) -> None:
        direction = grad
        if self.momentum:
            (velocity,) = kept
            np.multiply(velocity, self.momentum, out=velocity)
            np.add(velocity, grad, out=velocity)
            direction = velocity
            if self.nesterov:
                np.multiply(velocity, self.momentum, out=scratch)
                direction = np.add(scratch, grad, out=scratch)
        np.multiply(direction, self._rate, out=scratch)
        np.subtract(theta, scratch, out=theta)


class Adam(Optimizer):
    """θ ← θ − rate · m̂ / (√v̂ + epsilon), with running means m of g and v of g².

    m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²; m̂ and v̂ are m / (1 − β₁ᵗ) and
    v / (1 − β₂ᵗ). epsilon stands where PyTorch has it, outside the root. (`state`
    holds m / (1 − β₁) and v / (1 − β₂), which take fewer operations.)

    Parameters
    ----------
    beta1, beta2 : float
        In [0, 1).
    epsilon : float
    weight_decay : float
        Added to the gradient (L2); `AdamW` does it the other way.

    Raises
    ------
    ValueError
        If a setting is out of range.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1.
    """

    name = "adam"
    fading = ("m",)

    def __init__(
        self,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.beta1 = _in_unit("beta1", beta1)
        self.beta2 = _in_unit("beta2", beta2)
        self.epsilon = _positive("epsilon", epsilon)
        self.weight_decay = _not_negative("weight_decay", weight_decay)

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def prepare(self, learning_rate: float) -> None:
        self._rate = learning_rate
        # The vectors hold M = m / (1 − β₁) and V = v / (1 − β₂), and the factors are
        # put into two numbers: m̂ / (√v̂ + ε) = a M / (√V + ε b). Four passes fewer.
        root = math.sqrt((1 - self.beta2**self.t) / (1 - self.beta2))
        self._step = learning_rate * root * (1 - self.beta1) / (1 - self.beta1**self.t)
        self._epsilon = self.epsilon * root

    def update(self, theta: Array, grad: Array, scratch: Array, *kept: Array) -> None:
        m, v = kept
        np.multiply(m, self.beta1, out=m)
        np.add(m, grad, out=m)
        np.multiply(grad, grad, out=scratch)
        np.multiply(v, self.beta2, out=v)
        np.add(v, scratch, out=v)
        np.sqrt(v, out=scratch)
        np.add(scratch, self._epsilon, out=scratch)
        np.divide(m, scratch, out=scratch)
        np.multiply(scratch, self._step, out=scratch)
        np.subtract(theta, scratch, out=theta)


class AdamW(Adam):
    """Adam, with θ ← (1 − rate · weight_decay) θ before each step.

    The decay then does not pass through Adam's own scaling. Parameters are those of
    `Adam`, with another default.

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
    """

    name = "adamw"

    def __init__(
        self,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(beta1, beta2, epsilon=epsilon, weight_decay=weight_decay)

    def decay(self, theta: Array, grad: Array, scratch: Array) -> None:
        """Shrink the weights themselves."""
        np.multiply(theta, 1 - self._rate * self.weight_decay, out=theta)


class RMSprop(Optimizer):
    """θ ← θ − rate · g / (√v + epsilon), with v ← alpha v + (1 − alpha) g².

    With momentum, the step follows b ← momentum · b + g / (√v + epsilon) instead.

    Parameters
    ----------
    alpha : float
        In [0, 1).
    momentum : float
        In [0, 1).
    epsilon : float
    weight_decay : float
        Added to the gradient (L2).

    Raises
    ------
    ValueError
        If a setting is out of range.

    References
    ----------
    Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5, 2012, in
    PyTorch's form.
    """

    name = "rmsprop"
    fading = ("velocity",)

    def __init__(
        self,
        alpha: float = 0.99,
        *,
        momentum: float = 0.0,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.alpha = _in_unit("alpha", alpha)
        self.momentum = _in_unit("momentum", momentum)
        self.epsilon = _positive("epsilon", epsilon)
        self.weight_decay = _not_negative("weight_decay", weight_decay)

    def slots(self) -> tuple[str, ...]:
        return ("v", "velocity") if self.momentum else ("v",)

    def update(self, theta: Array, grad: Array, scratch: Array, *kept: Array) -> None:
        v = kept[0]
        np.multiply(grad, grad, out=scratch)
        np.multiply(scratch, 1 - self.alpha, out=scratch)
        np.multiply(v, self.alpha, out=v)
        np.add(v, scratch, out=v)
        np.sqrt(v, out=scratch)
        np.add(scratch, self.epsilon, out=scratch)
        np.divide(grad, scratch, out=scratch)
        if self.momentum:
            velocity = kept[1]
            np.multiply(velocity, self.momentum, out=velocity)
            np.add(velocity, scratch, out=velocity)
            np.multiply(velocity, self._rate, out=scratch)
        else:
            np.multiply(scratch, self._rate, out=scratch)
        np.subtract(theta, scratch, out=theta)


class WeightAverage:
    """An exponential moving average of the weights, often better than the last ones.

    average ← decay · average + (1 − decay) · θ after each step; while it is young, the
    decay is min(decay, (1 + t) / (10 + t)), so that the start is soon forgotten.

    Parameters
    ----------
    theta : array of shape (n_params,)
        Where it starts.
    decay : float
        In [0, 1).

    Attributes
    ----------
    average : array of shape (n_params,)

    References
    ----------
    Polyak and Juditsky, 1992; the young decay is that of TensorFlow's
    ExponentialMovingAverage.
    """

    def __init__(self, theta: Array, decay: float) -> None:
        self.decay = _in_unit("decay", decay)
        self.average = theta.copy()
        self._theta = theta
        self._scratch = np.empty_like(theta)
        self.t = 0

    def update(self) -> None:
        """Take the present weights into the average."""
        self.t += 1
        keep = min(self.decay, (1 + self.t) / (10 + self.t))
        np.subtract(self._theta, self.average, out=self._scratch)
        np.multiply(self._scratch, 1 - keep, out=self._scratch)
        np.add(self.average, self._scratch, out=self.average)

    def swap(self) -> None:
        """Exchange the weights and their average: once to evaluate, again to go on."""
        np.copyto(self._scratch, self._theta)
        np.copyto(self._theta, self.average)
        np.copyto(self.average, self._scratch)


def clip_by_global_norm(grad: Array, max_norm: float) -> float:
    """Scale ``grad`` in place so that its length is at most ``max_norm``.

    Returns the length it had. Pascanu, Mikolov and Bengio, "On the difficulty of
    training recurrent neural networks", 2013, algorithm 1.
    """
    norm = math.sqrt(float(np.dot(grad, grad)))
    if norm > max_norm:
        np.multiply(grad, max_norm / norm, out=grad)
    return norm


OPTIMIZERS: dict[str, type[Optimizer]] = {
    cls.name: cls for cls in (SGD, Adam, AdamW, RMSprop)
}


def get(spec: str | Mapping[str, Any] | Optimizer) -> Optimizer:
    """Return the optimiser that ``spec`` names.

    Raises
    ------
    ValueError
        If the name is unknown or a setting is wrong.
    """
    if isinstance(spec, Optimizer):
        return spec
    return build("optimizer", OPTIMIZERS, spec)


def _flush(vector: Array, scratch: Array) -> None:
    """Set the numbers to 0 that have nearly come to it."""
    least = float(np.finfo(vector.dtype).tiny) * FADED
    np.absolute(vector, out=scratch)
    np.greater(scratch, least, out=scratch)  # 1 or 0
    np.multiply(vector, scratch, out=vector)


def _in_unit(name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError(f"{name} must lie in [0, 1); got {value}")
    return float(value)


def _positive(name: str, value: float) -> float:
    # Where the gradient has always been 0 (MNIST's margins), 0 / (0 + epsilon) is 0.
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be a positive number; got {value}")
    return float(value)


def _not_negative(name: str, value: float) -> float:
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a number, not negative; got {value}")
    return float(value)
