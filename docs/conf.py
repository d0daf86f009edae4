"""How Sphinx builds these pages; ``make docs`` runs it. Nothing here needs the internet."""

from __future__ import annotations

from typing import Any

from sphinx.ext import autosummary
from sphinx.util.nodes import make_refnode

import sklearn_astromer

project = "sklearn_astromer"
author = "The sklearn_astromer developers"
copyright = author  # noqa: A001
version = release = sklearn_astromer.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
# A name in single backticks becomes a link where there is something of that name.
default_role = "py:obj"

# -- Pages --------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# Model cards are written by programs, and have no second level of headings.
suppress_warnings = ["myst.header"]
# Examples are copied without their prompts and outputs.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
# Examples end in an empty line, as doctest wants it; it is not shown.
highlight_options = {"python": {"stripnl": True}}

# -- Reference ----------------------------------------------------------------------------------

autosummary_generate = True
# Or else the one-line summaries of the tables end there.
autosummary.WELL_KNOWN_ABBREVIATIONS += ("Eq.", "Fig.", "Figs.", "Sect.", "Sects.")
autodoc_typehints = "none"  # The docstrings tell the types in words.
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
# All checks but these. Not everything has a second paragraph (ES01), relatives (SA01) or an example
# of its own (EX01). Returned things have names (RT02). "X : as in `fit`" and "a, b" with "As in
# `PeriodFinder`" below tell all (PR07, RT03, PR04).
numpydoc_validation_checks = {"all", "ES01", "SA01", "EX01", "RT02", "RT03", "PR07", "PR04"}
# The fields of a named tuple, which Python documents by itself.
numpydoc_validation_exclude = {r"\.Moments\."}

# -- Figures and gallery ------------------------------------------------------------------------

plot_formats = [("png", 144)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {"figure.constrained_layout.use": True, "font.size": 10}
plot_apply_rcparams = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("sklearn_astromer",),
    "backreferences_dir": "auto_examples/backreferences",
    "remove_config_comments": True,
    "show_memory": False,
    "min_reported_time": 0,
}

# -- Looks --------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = f"sklearn_astromer {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sourcelink = False
# Pages that stand alone have nothing beside them.
html_sidebars: dict[str, list[str]] = {"index": [], "start": [], "changes": []}
html_theme_options = {
    "logo": {"text": "sklearn_astromer"},
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}


def skip_what_scikit_learn_brings(
    app: Any, what: str, name: str, thing: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out inherited members that scikit-learn documents itself, such as `set_params`."""
    module = getattr(thing, "__module__", None)
    is_foreign = callable(thing) and not str(module).startswith("sklearn_astromer")
    return True if is_foreign else None


def link_names_of_other_modules(app: Any, env: Any, node: Any, text: Any) -> Any:
    """Link `PeriodFinder` from everywhere, and not from its own module alone."""
    if node.get("refdomain") != "py":
        return None
    name = node["reftarget"]
    found = [
        (full_name, entry)
        for full_name, entry in env.get_domain("py").find_obj(env, None, None, name, None, 1)
        if entry.objtype == "class" or (entry.objtype == "function" and "_" in name)
    ]
    if len(found) != 1:
        return None
    full_name, entry = found[0]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, text, full_name)


def setup(app: Any) -> None:
    """Connect the hooks above to Sphinx."""
    app.connect("missing-reference", link_names_of_other_modules)
    app.connect("autodoc-skip-member", skip_what_scikit_learn_brings)
