"""Take out of the pages what the theme puts in and the book does not use."""


def drop_thebe(app, pagename, templatename, context, doctree):  # noqa: ARG001
    """Leave out Thebe's scripts, which declare a constant twice and fail.

    Thebe runs cells in the page through Binder; the book's launch buttons open Binder
    itself.
    """
    context["script_files"] = [
        script
        for script in context.get("script_files", ())
        if "thebe" not in str(vars(script)).lower()
    ]


def setup(app):
    """Register with Sphinx.

    Returns
    -------
    metadata : dict
        What Sphinx wants to know of an extension.
    """
    app.connect("html-page-context", drop_thebe)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
