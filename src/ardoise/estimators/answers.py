"""What classifiers and regressors make of a network's outputs.

Classifiers: labels, probabilities, a temperature that makes them honest, and the
possibility of no answer. Regressors: values.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, Self

import numpy as np

from ardoise.engine import losses
from ardoise.engine.arrays import Array
from ardoise.engine.calibration import fit_temperature
from ardoise.engine.losses import Loss, SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy
from ardoise.engine.network import Network
from ardoise.estimators.base import Classifier, Regressor
from ardoise.estimators.batches import fit_batches, is_batches
from ardoise.estimators.contract import HeldOut
from ardoise.estimators.fitting import FittedEstimator
from ardoise.estimators.labels import Labels, class_weights
from ardoise.estimators.modes import Mode
from ardoise.estimators.objectives import regression_loss
from ardoise.estimators.scores import accuracy, r2
from ardoise.estimators.validation import check_targets_real


class NetworkClassifierBase(Classifier, FittedEstimator):
    """A classifier around a network.

    Attributes
    ----------
    classes_ : array of shape (K,)
    temperature_ : float
        The outputs are divided by it; 1 unless ``calibrate=True``.
    """

    class_weight: Any
    label_smoothing: float
    calibrate: bool

    classes_: Array
    temperature_: float
    _labels: Labels

    # -- what `NetworkEstimator` asks --------------------------------------------------

    def _make_loss(self) -> Loss:
        if self._labels.kind == "multiclass":
            return SoftmaxCrossEntropy(self.label_smoothing)
        return SigmoidBinaryCrossEntropy()

    def _fit_targets(self, y: Any, mode: Mode, *, anew: bool) -> Array:
        if anew and not mode.once:
            self._labels = Labels.fit(y, self)
            self.classes_ = self._labels.classes
        else:
            self._check_classes(y, mode)
        return self._known_targets(y)

    def _check_classes(self, y: Any, mode: Mode) -> None:
        seen = Labels.fit(y, self).classes
        # One batch, or a few corrections, need not hold all classes.
        if self.warm_start and mode.name not in ("batch", "refit"):
            if set(seen.tolist()) != set(self.classes_.tolist()):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in "
                    f"the previous call to fit. Previously got {self.classes_}, `y` "
                    f"has {seen}"
                )
        elif len(np.setdiff1d(seen, self.classes_)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has "
                f"{self.classes_}. 'y' has {seen}."
            )

    def _known_targets(self, y: Any) -> Array:
        targets = self._labels.encode(y)
        if self._labels.kind == "multiclass":
            return targets
        values = targets.astype(np.float64).reshape(len(targets), -1)
        if self.label_smoothing:
            values = values * (1 - self.label_smoothing) + self.label_smoothing / 2
        return values

    def _all_weights(self, y: Any, sample_weight: Array | None) -> Array | None:
        if self.class_weight is None:
            return sample_weight
        return class_weights(self.class_weight, self._labels, y, sample_weight)

    def _start(self, network: Network) -> None:
        super()._start(network)
        self.temperature_ = 1.0

    def _count_outputs(self, targets: Array) -> int:
        return self._labels.n_outputs

    def _decide(self, z: Array) -> Array:
        return self._labels.decode(self._scores(z))

    def _truth(self, targets: Array) -> Array:
        if self._labels.kind == "multiclass":
            truth: Array = self.classes_[targets]
            return truth
        return self._labels.decode(targets)

    def _score_of(self, truth: Array, predicted: Array, weights: Array | None) -> float:
        return accuracy(truth, predicted, weights)

    def _stratify(self, targets: Array) -> Array | None:
        return targets > 0.5 if self._labels.kind == "binary" else None

    def _needs_held_out(self) -> bool:
        return bool(self.early_stopping or self.calibrate)

    def _scores(self, z: Array) -> Array:
        """Return probabilities for outputs z, of z's shape."""
        if self._labels.kind == "multiclass":
            return losses.softmax(z)
        return losses.sigmoid(z)

    def _finish(self, held_out: HeldOut | None) -> None:
        if self.calibrate and held_out is not None:
            self.temperature_ = fit_temperature(
                self._criterion,
                self._outputs(held_out.x),
                held_out.targets,
                held_out.weights,
            )

    # -- using -------------------------------------------------------------------------

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        validation_data: Any = None,
        classes: Any = None,
        resume: bool = False,
    ) -> Self:
        """Train on X and y.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or batches
            float32 stays float32, everything else becomes float64. Or, without y, an
            iterable of batches ``(X, y)`` or ``(X, y, sample_weight)``, for data that
            does not fit into memory: each is a `partial_fit`, and the iterable is gone
            through `max_iter` times if it can be (a list or an object, not a
            generator). Ctrl-C ends it and keeps what was learned.
        y : array-like of shape (n,) or (n, K)
            Labels of any kind; 0 and 1 in K columns for several labels a sample.
        sample_weight : array-like of shape (n,), optional
        validation_data : (X, y) or (X, y, sample_weight), optional
            Evaluated after each epoch (`history_`), and used by early stopping and
            calibration instead of samples held out of X.
        classes : array-like, optional
            All classes, needed with batches alone.
        resume : bool
            Go on with the training of this estimator, up to `max_iter` epochs in all,
            as if it had never stopped: to the bit, for the same X, y and threads. Other
            samples, and settings that would make it another training, are refused.

        Raises
        ------
        ValueError, TypeError
            In one sentence, as scikit-learn's or ours; the estimator is then what it
            was.
        """
        if y is None and is_batches(X):
            beside = sample_weight, resume
            fit_batches(self, X, validation_data, beside, classes)
            return self
        if classes is not None:
            raise ValueError(
                "classes belong to batches, fit(batches, classes=...), and to "
                "partial_fit; fit(X, y) finds them in y"
            )
        mode = Mode("resume" if resume else "fit")
        self._fit(X, y, sample_weight, validation_data, mode)
        return self

    def predict(self, X: Any, *, reject: float | None = None) -> Array:
        """Return the class of each sample, or of each label 0 or 1.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
        reject : float in (0, 1), optional
            Where no class has at least this probability, the answer is None (and the
            array is one of objects). Calibrated probabilities mean what they say: see
            ``calibrate``.

        Returns
        -------
        array of shape (n,) or (n, K)
        """
        if reject is None:
            decided = self._decide(self._predict_outputs(X))
            answers: Array = self._labels.as_given(decided)
            return answers
        self._check_fitted()
        if self._labels.kind == "multilabel":
            raise ValueError("reject needs one label a sample; these have several")
        if not isinstance(reject, Real) or not 0 < reject < 1:
            raise ValueError(f"reject must lie between 0 and 1; got {reject!r}")
        p = self.predict_proba(X)
        answers = self._labels.decode(p).astype(object)
        answers[p.max(axis=1) < reject] = None
        return answers

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, shape (n, K).

        For several labels a sample, each label's own probability.
        """
        p = self._scores(self._calibrated_outputs(X))
        return np.hstack([1 - p, p]) if self._labels.kind == "binary" else p

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`, finite where that is nearly 0."""
        z = self._calibrated_outputs(X)
        if self._labels.kind == "multiclass":
            return losses.log_softmax(z)
        if self._labels.kind == "binary":
            # log sigmoid(z) = −log(1 + e⁻ᶻ)
            return np.hstack([-np.logaddexp(0, z), -np.logaddexp(0, -z)])
        # Rounded as the probabilities are, so that equal ones stay equal.
        log_p: Array = np.log(losses.sigmoid(z))
        return log_p

    def _calibrated_outputs(self, X: Any) -> Array:
        z = self._predict_outputs(X)
        # An estimator whose `coefs_` were set by hand has no temperature.
        z /= getattr(self, "temperature_", 1.0)
        return z


class NetworkRegressorBase(Regressor, FittedEstimator):
    """A regressor around a network."""

    loss: str | Mapping[str, Any] | Loss

    def _make_loss(self) -> Loss:
        return regression_loss(self.loss)

    def _fit_targets(self, y: Any, mode: Mode, *, anew: bool) -> Array:
        return self._read_targets(y) if anew else self._known_targets(y)

    def _known_targets(self, y: Any) -> Array:
        targets = self._read_targets(y)
        if targets.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y must have {self.n_outputs_} outputs, as in training; got "
                f"{targets.shape[1]}"
            )
        return targets

    def _read_targets(self, y: Any) -> Array:
        targets = check_targets_real(self, y)
        targets = targets.reshape(len(targets), -1)
        return self._make_loss().check_targets(targets, targets.shape[1:])

    def _decide(self, z: Array) -> Array:
        values = self._criterion.predict(z)
        return values.ravel() if values.shape[1] == 1 else values

    def _truth(self, targets: Array) -> Array:
        return targets.ravel() if targets.shape[1] == 1 else targets

    def _score_of(self, truth: Array, predicted: Array, weights: Array | None) -> float:
        return r2(truth, predicted, weights)

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        validation_data: Any = None,
        resume: bool = False,
    ) -> Self:
        """Train on X and y.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features), or batches
            As for the classifier.
        y : array-like of shape (n,) or (n, K)
        sample_weight : array-like of shape (n,), optional
        validation_data : (X, y) or (X, y, sample_weight), optional
        resume : bool
            As for the classifier.

        Raises
        ------
        ValueError, TypeError
            In one sentence, as scikit-learn's or ours.
        """
        if y is None and is_batches(X):
            fit_batches(self, X, validation_data, (sample_weight, resume))
            return self
        mode = Mode("resume" if resume else "fit")
        self._fit(X, y, sample_weight, validation_data, mode)
        return self

    def predict(self, X: Any) -> Array:
        """Return the value of each sample, shape (n,), or (n, K) for several."""
        return self._decide(self._predict_outputs(X))
