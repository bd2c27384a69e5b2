"""The documentation's settings, the same for both languages.

``sphinx-build -c docs -D language=fr docs/fr site/fr`` builds the French pages; `make
docs` builds all and checks it. Code is run while the pages are built. Formulas become
MathML, and nothing that a page needs comes from outside.
"""

import logging
import os
import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
# A kernel that does not remark on its own connection.
os.environ["JUPYTER_PATH"] = str(HERE / "site_parts" / "jupyter")
# Figures that read on light and on dark ground.
os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")

project = "Ardoise"
author = "The Ardoise developers"
version = release = version_of("ardoise")
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "numpydoc",
    "site_parts.formulas",
    "site_parts.links",
    "site_parts.access",
    "site_parts.commands",
    "site_parts.docstrings",
    "site_parts.live",
    "site_parts.spacing",
]

# Pages, and the code in them.
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 4
logging.getLogger("traitlets").setLevel(logging.WARNING)
nb_execution_mode = "cache"  # beside the output: both languages have the same code
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_merge_streams = True

# The reference.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # NumPy's docstrings say what each argument is
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# How it looks.
html_theme = "furo"
html_title = "Ardoise"
html_favicon = "../src/ardoise/slate/page/icon.svg"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
templates_path = ["_templates"]
locale_dirs = ["../_locale"]  # what the theme says in no language but English
html_theme_options = {"top_of_page_buttons": []}
html_show_sourcelink = html_copy_source = html_show_copyright = False
html_show_sphinx = False


def setup(app):
    """Say in French what MyST-NB says in English, and write no empty index."""

    def speak(app, config):
        if config.language == "fr":
            config.nb_code_prompt_show = "Montrer le code"
            config.nb_code_prompt_hide = "Cacher le code"
            config.html_use_index = False  # the reference is in English

    app.connect("config-inited", speak, priority=100)
