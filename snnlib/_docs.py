"""Parts that several docstrings share, written once."""

import textwrap


def entry(name, kind, text):
    """Return a parameter or attribute as a section of numpydoc lists it.

    Parameters
    ----------
    name : str
        Its name, or several.
    kind : str
        Its type, and default if it has one.
    text : str
        What it is; wrapped here.

    Returns
    -------
    entry : str
    """
    lines = textwrap.wrap(text, 80, break_on_hyphens=False)
    return "\n".join([f"{name} : {kind}", *(f"    {line}" for line in lines)])


def fill_in(thing, **sections):
    """Put text where a docstring names it in braces, on a line of its own.

    Parameters
    ----------
    thing : class or function
        Its docstring holds lines such as ``    {parameters}``.
    **sections : str
        What to put there, by name.

    Returns
    -------
    thing : class or function
    """
    # Python started with -OO has no docstrings.
    if thing.__doc__:
        for name, text in sections.items():
            place = f"    {{{name}}}"
            thing.__doc__ = thing.__doc__.replace(place, textwrap.indent(text, "    "))
    return thing
