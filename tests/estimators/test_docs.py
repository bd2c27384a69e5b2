"""The examples of the guide to the estimators and its twin run, and are alike."""

import re

import pytest

from tests.pages import code_of, examples, execute, text_of, twins_of

ENGLISH, FRENCH = PAGES = twins_of("guides/estimators.md")


@pytest.mark.parametrize(("page", "prelude", "example"), list(examples(*PAGES)))
def test_example(page, prelude, example):
    execute(page, prelude, example)


def test_both_pages_have_the_same_code():
    assert len(code_of(ENGLISH)) > 25
    assert code_of(ENGLISH) == code_of(FRENCH)


def test_both_pages_cite_the_same_requests():
    english, french = (re.findall(r"#\d{4,}", text_of(page)) for page in PAGES)
    assert english == french
