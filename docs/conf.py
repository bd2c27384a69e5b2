"""The documentation's settings, the same for both languages.

``sphinx-build -c docs -D language=fr docs/fr …`` builds the French pages. Code is run
while the pages are built; formulas become MathML, so nothing comes from outside.
"""

from importlib.metadata import version as version_of

from latex2mathml.converter import convert

project = "Ardoise"
author = "The Ardoise developers"
version = release = version_of("ardoise")
extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.doctest"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 4
nb_execution_mode = "auto"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
html_theme = "furo"
html_math_renderer = "mathml"


def inline(translator, node):
    translator.body.append(convert(node.astext()))
    raise _skip()


def block(translator, node):
    translator.body.append(f'<div class="math">{convert(node.astext(), "block")}</div>')
    raise _skip()


def _skip():
    from docutils.nodes import SkipNode

    return SkipNode()


def setup(app):
    app.add_html_math_renderer(
        "mathml", inline_renderers=(inline, None), block_renderers=(block, None)
    )
