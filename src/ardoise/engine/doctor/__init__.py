"""What is wrong with this data, this network or this training, in words and numbers.

`examine_data` looks at the data, `examine_network` inside a network, `examine_history`
at a curve, and the callback `Doctor` at all of them beside a training. They return
findings, print nothing and change nothing.
"""

from ardoise.engine.doctor.curve import chance_loss, examine_history
from ardoise.engine.doctor.data import examine_data
from ardoise.engine.doctor.findings import SENTENCES, Finding, TrainingWarning
from ardoise.engine.doctor.inside import examine_answers, examine_network
from ardoise.engine.doctor.watch import Doctor, blame_rate, news, normalises

__all__ = [
    "SENTENCES",
    "Doctor",
    "Finding",
    "TrainingWarning",
    "blame_rate",
    "chance_loss",
    "examine_answers",
    "examine_data",
    "examine_history",
    "examine_network",
    "news",
    "normalises",
]
