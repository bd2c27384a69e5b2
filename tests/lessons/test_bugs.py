"""Each bug is caught by its check, its mend passes, and what is no mend does not.

The files run in processes of their own, two at a time, once for all tests.
"""

import ast
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from ardoise.lessons import checks, session
from ardoise.lessons.catalogue import BUGS
from ardoise.lessons.handout import digits, hidden, mended, program, write_digits
from ardoise.lessons.verdict import Curve, Line, Slopes
from ardoise.messages import LANGUAGES, text
from tests.lessons.mends import GUARD, RIGHT, UNFIT, WRONG

NUMBERS = [bug.number for bug in BUGS]
# The accuracy (%) that each program prints last; three points either way.
LAST = {1: 89.3, 2: 91.0, 3: 90.5, 4: 41.3, 5: 11.6, 6: 78.6}
LAST |= {7: 86.4, 8: 10.4, 9: 44.6, 10: 98.0, 11: 1.5, 12: 71.1}
MENDED = {1: 91.4, 5: 89.7, 7: 90.7}  # others are run by the checks
CHAOTIC = {4: 10, 6: 15}  # what rounding decides; others stay within three points


def replaced(source, pairs):
    for old, new in pairs:
        assert old in source, old
        source = source.replace(old, new)
    return source


def case(kind, number, name=""):
    return f"{kind} {number} {name}".strip()


@pytest.fixture(scope="module")
def sources():
    """Every file that is judged here, by its case."""
    found = {}
    for bug in BUGS:
        found[case("broken", bug.number)] = program(bug, "fr")
        found[case("mended", bug.number)] = mended(bug, "fr")
        found[case("empty", bug.number)] = ""
    for number, name, pairs in RIGHT:
        text = program(BUGS[number - 1], "en")
        found[case("right", number, name)] = replaced(text, pairs)
    for number, name, pairs, _ in WRONG:
        text = program(BUGS[number - 1], "en")
        found[case("wrong", number, name)] = replaced(text, pairs)
    for number, name, pairs, _ in UNFIT:
        text = mended(BUGS[number - 1], "en")
        found[case("unfit", number, name)] = replaced(text, pairs)
    return found


@pytest.fixture(scope="module")
def verdicts(sources, tmp_path_factory):
    """The verdict of each case, from two processes at a time."""
    folder = tmp_path_factory.mktemp("bugs")
    hidden()  # the digits are read once, before the threads begin

    def judge(item):
        i, (name, source) = item
        number = int(name.split()[1])
        path = folder / f"bug{number:02d}_{i}.py"
        path.write_text(source, encoding="utf-8")
        return name, checks.check(BUGS[number - 1], path, seed=i)

    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(judge, enumerate(sources.items())))


def keys(verdict):
    return [each.key for each in verdict.evidence if isinstance(each, Line)]


# -- verdicts -------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS)
def test_a_bug_is_caught_and_its_mend_passes(verdicts, number):
    broken, whole = (verdicts[case(kind, number)] for kind in ("broken", "mended"))
    assert not broken.mended and broken.evidence
    assert whole.mended and keys(whole)[-1] == "lesson.learns"
    assert not any(key.startswith("lesson.wrong.") for key in keys(broken))


def test_the_evidence_of_a_gradient(verdicts):
    (broken,) = (e for e in verdicts["broken 1"].evidence if isinstance(e, Slopes))
    assert {row.name for row in broken.rows if not row.right} == {"W1", "b1"}
    assert all(row.error > 0.01 for row in broken.rows if not row.right)
    whole = [e for e in verdicts["mended 2"].evidence if isinstance(e, Slopes)]
    assert [each.n for each in whole] == [5, 8]
    assert all(row.right and row.error < 1e-6 for each in whole for row in each.rows)


def test_the_evidence_of_a_curve(verdicts):
    (curve,) = (e for e in verdicts["mended 1"].evidence if isinstance(e, Curve))
    assert (curve.quantity, curve.steps[0], curve.steps[-1]) == ("accuracy", 0, 640)
    assert curve.values[0] < 0.3 < 0.85 == curve.wanted < curve.values[-1]
    (curve,) = (e for e in verdicts["broken 12"].evidence if isinstance(e, Curve))
    assert curve.quantity == "rate" and curve.values[-1] < 1e-20


@pytest.mark.parametrize(("number", "name"), [(n, name) for n, name, _ in RIGHT])
def test_another_mend_passes(verdicts, number, name):
    verdict = verdicts[case("right", number, name)]
    assert verdict.mended, verdict.evidence


@pytest.mark.parametrize(
    ("kind", "number", "name", "key"),
    [
        (kind, number, name, key)
        for kind, cases in (("wrong", WRONG), ("unfit", UNFIT))
        for number, name, _, key in cases
    ],
)
def test_what_is_no_mend_does_not_pass(verdicts, kind, number, name, key):
    verdict = verdicts[case(kind, number, name)]
    assert not verdict.mended
    said = verdict.evidence[-1]
    assert said.key.startswith(f"lesson.{key}"), said
    for lang in LANGUAGES:
        assert "\n" not in text(said.key, lang, **said.values)


@pytest.mark.parametrize("number", NUMBERS)
def test_an_emptied_file_does_not_pass(verdicts, number):
    verdict = verdicts[case("empty", number)]
    assert (verdict.mended, keys(verdict)) == (False, ["lesson.wrong.missing"])


def test_a_sentence_names_the_learner_s_line(verdicts, sources):
    for name in ("not Python", "an error", "an end", "an error at once"):
        source = sources[case("unfit", 1, name)]
        (said,) = verdicts[case("unfit", 1, name)].evidence
        line = source.splitlines()[said.values["line"] - 1]
        assert re.search(r"/ 0|exit\(\)|nump |def train", line), said
    (said,) = verdicts[case("unfit", 1, "an error")].evidence
    assert said.values["error"] == "ZeroDivisionError: division by zero"


def test_no_end(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "SECONDS", 3.0)
    path = tmp_path / "bug01.py"
    loop = (
        "        for i in range(0",
        "        while True:\n            i = 0\n        for i in range(0",
    )
    path.write_text(replaced(mended(BUGS[0], "en"), [loop]), encoding="utf-8")
    verdict = checks.check(BUGS[0], path)
    said = verdict.evidence[-1]
    assert (verdict.mended, said.key) == (False, "lesson.wrong.slow")
    lines = path.read_text("utf-8").splitlines()
    assert (
        "while True"
        in lines[int(said.values["line"]) - 2] + lines[int(said.values["line"]) - 1]
    )


def test_the_second_bug_shows_itself_in_batches_of_another_size(tmp_path):
    """As the program says when it is written: try 64."""
    path = tmp_path / "bug02.py"
    source = replaced(program(BUGS[1], "en"), [("batch=32", "batch=64")])
    path.write_text(source, encoding="utf-8")
    with session.Session(path) as running, pytest.raises(session.Unfit) as caught:
        running.main()
    assert caught.value.key == "lesson.wrong.error"
    assert "could not be broadcast together" in str(caught.value)


def test_what_is_printed_without_end_is_cut(tmp_path):
    path = tmp_path / "bug09.py"
    path.write_text("def main():\n    for i in range(10**6):\n        print(i)\n")
    with session.Session(path) as running:
        printed, records = running.main()
    assert records == {} and 100_000 <= len(printed) < 100_100


def test_a_file_may_import_what_lies_beside_it(tmp_path):
    (tmp_path / "mine.py").write_text("TWO = 2\n")
    path = tmp_path / "bug01.py"
    path.write_text("import mine\n\ndef f(x):\n    return x * mine.TWO\n")
    with session.Session(path) as running:
        value, first = running.call("f", np.arange(3))
    assert value.tolist() == [0, 2, 4] and first.tolist() == [0, 1, 2]


# -- the files ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What every file prints, broken in English and mended in French."""
    folder = tmp_path_factory.mktemp("run")
    write_digits(folder)

    def run(item):
        bug, kind = item
        path = folder / f"{bug.stem}_{kind}.py"
        source = program(bug, "en") if kind == "broken" else mended(bug, "fr")
        path.write_text(source, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-X", "utf8", path.name],
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, done.stderr
        return (bug.number, kind), (done.stdout, done.stderr)

    items = [(bug, "broken") for bug in BUGS]
    items += [(BUGS[number - 1], "mended") for number in MENDED]
    with ThreadPoolExecutor(2) as pool:
        return dict(pool.map(run, items))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_file_runs_and_prints_what_is_said_of_it(printed, number):
    out, err = printed[number, "broken"]
    assert abs(last_of(out) - LAST[number]) <= CHAOTIC.get(number, 3), out
    assert "nan" not in out or number == 3
    assert not err or number in (3, 5)


@pytest.mark.parametrize("number", MENDED)
def test_what_a_mended_file_prints(printed, number):
    out, err = printed[number, "mended"]
    assert abs(last_of(out) - MENDED[number]) <= 3 and not err


def last_of(out):
    return float(re.findall(r"([\d.]+)%$", out, re.MULTILINE)[-1])


def figures(out, pattern):
    return [float(each) for each in re.findall(pattern, out)]


def test_what_the_files_show(printed):
    """The symptoms that the page's table names."""
    loss = figures(printed[4, "broken"][0], r"loss ([\d.]+)")
    assert all(1.461 < each < 2.303 for each in loss)
    shares = figures(printed[5, "broken"][0], r"test ([\d.]+)%")
    assert min(shares[:2]) > 70 and max(shares[2:]) < 30
    assert min(figures(printed[5, "mended"][0], r"test ([\d.]+)%")) > 84
    loss = figures(printed[6, "broken"][0], r"loss ([\d.]+)")
    assert any(after > before for before, after in pairwise(loss))
    shares = figures(printed[7, "broken"][0], r"accuracy ([\d.]+)%")
    assert len(shares) == len(set(shares)) == 3
    assert len(set(figures(printed[7, "mended"][0], r"test ([\d.]+)%"))) == 1
    together, alone = figures(printed[8, "broken"][0], r" ([\d.]+)%")
    assert 87 < together < 93 and 7 < alone < 13
    learned = figures(printed[9, "broken"][0], r"training ([\d.]+)%")
    assert learned[-1] > 97
    loss = figures(printed[11, "broken"][0], r"loss ([\d.]+)")
    assert loss[-1] < 0.25
    loss = figures(printed[12, "broken"][0], r"loss ([\d.]+)")
    assert max(loss[2:]) - min(loss[2:]) < 0.002


def bare(source):
    """Return a file's code without its texts."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = "" if re.search(r"[^\w\[\].]", node.value) else node.value
    words = {"epoch", "loss", "époque", "perte", "test", "certainty", "assurance"}
    dumped = ast.dump(tree)
    for word in words:
        dumped = dumped.replace(f"'{word}'", "''")
    return dumped


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.stem)
def test_the_code_is_the_same_in_both_languages(bug):
    english, french = (program(bug, lang) for lang in LANGUAGES)
    assert english != french and bare(english) == bare(french)
    for source in (english, french, mended(bug, "en"), mended(bug, "fr")):
        lines = source.splitlines()
        assert max(map(len, lines)) <= 88 and "$" not in source
        assert sum(bool(line.strip()) for line in lines) <= 80 and len(lines) <= 110
        assert lines[0] == f"# ardoise lesson, bug {bug.number}"
        assert source.endswith(GUARD) and "ardoise" not in "".join(lines[1:])


def test_the_files_are_tidy(tmp_path):
    for bug in BUGS:
        (tmp_path / bug.file).write_text(program(bug, "en"), encoding="utf-8")
        whole = tmp_path / f"{bug.stem}_mended.py"
        whole.write_text(mended(bug, "en"), encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--check"], ["check", "--select", "E,F,I,B,NPY"]):
        command = [*ruff, *command, "--line-length", "88", "--isolated", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_title_and_the_first_hints_do_not_give_it_away(lang):
    for bug in BUGS:
        source = program(bug, lang)
        number = source.splitlines().index(
            next(line for line in source.splitlines() if bug.mend[0][0].strip() in line)
        )
        first, second, third = (bug.hint(step, source, lang) for step in (1, 2, 3))
        assert f"{number + 1}," in third and bug.mend[0][0].strip() in third
        assert not re.search(
            r"[Ll]ine \d|[Ll]igne \d", first + second + bug.title(lang)
        )
        moved = bug.hint(3, mended(bug, lang), lang)
        if bug.number not in (8, 12):  # whose lines are still there
            assert not re.search(r"[Ll]ine \d|[Ll]igne \d", moved)


# -- the digits -----------------------------------------------------------------------


def test_the_digits_are_from_the_training_images(tmp_path):
    from ardoise.digits import load_mnist

    data = load_mnist()
    ours, (x, t) = digits(), hidden()
    images = np.concatenate([ours["x_train"], ours["x_test"], np.rint(x * 255)])
    labels = np.concatenate([ours["t_train"], ours["t_test"], t])
    assert len(images) == 4048 < data.n_train
    np.testing.assert_array_equal(images, data.images[:4048].reshape(4048, -1))
    np.testing.assert_array_equal(labels, data.labels[:4048])
    assert len(ours["x_train"]) % 32 == 0  # or bug 2 would stop with an error
    assert write_digits(tmp_path) and not write_digits(tmp_path)
    with np.load(tmp_path / "digits.npz", allow_pickle=False) as file:
        assert sorted(file.files) == ["t_test", "t_train", "x_test", "x_train"]


def test_a_digit_is_recognised_under_noise():
    rng = np.random.default_rng(0)
    chosen = rng.integers(0, 3048, 200)
    both = np.concatenate([digits()["x_train"], digits()["x_test"]])[chosen] / 255
    noisy = (both + rng.normal(0, 0.05, both.shape))[:, ::3]
    assert (checks.sources_of(noisy) == chosen).all()
