"""Definitions of sweeps, as they are written in YAML."""

import itertools
import math
import re
import warnings
from typing import ClassVar

from snnlib.checks import shown

# YAML 1.2, in which yes, 12:30 and 2024-01-01 are text. A number does not begin with
# zeros, so that 007 stays what it is.
_TAG = "tag:yaml.org,2002:"
_WORDS = {
    "null": r"(~|null|Null|NULL)?",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}
# An escape beyond the last letter, and not the end of an escaped backslash.
_NO_LETTER = re.compile(r"(?<!\\)(?:\\\\)*(\\U(?!000|0010)[0-9a-fA-F]{8})")
# Anchors can multiply the values in a file without end.
_MOST_VALUES = 1_000_000


class SweepError(ValueError):
    """A sweep that cannot be run as it is defined."""


def read_value(text: str) -> object:
    """Return the value that a word stands for, on a command line as in a definition.

    Parameters
    ----------
    text : str
        One word, or YAML's short form of a list or mapping.

    Returns
    -------
    value : None, bool, int, float, str, list or dict

    Raises
    ------
    SweepError
        If it is no YAML.
    """
    # papermill's own command line takes Python's word for it.
    if text == "None":
        return None
    return read_yaml(text, f"the value {shown(text)}")[0]


def read_yaml(text, source):
    """Return the content of a YAML text, and the line of each key and item.

    Parameters
    ----------
    text : str
        The whole text.
    source : str
        What to call it in a message.

    Returns
    -------
    content : None, bool, int, float, str, list or dict
    lines : dict of tuple to int
        The line of each key and item, by the keys and numbers that lead there.

    Raises
    ------
    SweepError
        If it is no YAML, or holds what no parameter can be.
    """
    lines, n_values = {}, itertools.count(1)

    def refuse(node, problem):
        msg = f"{source}, line {node.start_mark.line + 1}: {problem}."
        raise SweepError(msg)

    def content(node, where):
        lines.setdefault(where, node.start_mark.line + 1)
        if next(n_values) > _MOST_VALUES:
            refuse(node, f"its anchors make more than {_MOST_VALUES} values")
        kind = str(node.tag).removeprefix(_TAG)
        if (kind, node.id) == ("map", "mapping"):
            return mapping(node, where)
        if (kind, node.id) == ("seq", "sequence"):
            return [content(item, (*where, i)) for i, item in enumerate(node.value)]
        if kind not in ("str", *_WORDS) or node.id != "scalar":
            refuse(node, f"the tag {kind!r} means nothing here")
        try:
            return _scalar(kind, node.value)
        except ValueError:
            refuse(node, f"{shown(node.value)} is no {kind} that can be read")

    def mapping(node, where):
        found = {}
        for key_node, value_node in node.value:
            if key_node.value == "<<" and not key_node.style:
                refuse(
                    key_node, "the key '<<' is not YAML 1.2: write out what it merges"
                )
            key = content(key_node, (*where, None))
            if not isinstance(key, str) or key in found:
                is_name = isinstance(key, str)
                why = "is there twice" if is_name else "is not a name"
                refuse(key_node, f"the key {shown(key)} {why}")
            lines[(*where, key)] = key_node.start_mark.line + 1
            found[key] = content(value_node, (*where, key))
        return found

    node = _compose(text, source)
    try:
        return (None if node is None else content(node, ())), lines
    except RecursionError:
        msg = f"{source}: it is nested too deeply, or holds itself."
        raise SweepError(msg) from None


def _scalar(kind, word):
    """Return the value of a word of a known kind, which a tag may have claimed."""
    if kind != "str" and not re.fullmatch(_WORDS[kind], word):
        msg = f"{word} is no {kind}"
        raise ValueError(msg)
    if kind == "null":
        return None
    if kind == "bool":
        return word.lower() == "true"
    if kind == "int":
        return int(word, 0)
    if kind == "float":
        value = float(re.sub(r"\.(?=[inIN])", "", word))
        if math.isinf(value) and "inf" not in word.lower():
            msg = f"{word} is beyond a float's range"
            raise ValueError(msg)
        return value
    # JSON writes a letter beyond 16 bits as a pair, which YAML leaves apart.
    return word.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _compose(text, source):
    """Return the nodes of a YAML text, in which words have the kinds of `_WORDS`."""
    try:
        from ruamel.yaml import YAML, YAMLError
        from ruamel.yaml.resolver import VersionedResolver
    except ImportError as error:
        msg = 'This needs ruamel.yaml. Install it with: pip install "snnlib[sweep]"'
        raise ImportError(msg) from error

    class Resolver(VersionedResolver):
        versioned_resolver: ClassVar = {
            # By the first letter, or None for any.
            None: [(_TAG + k, re.compile(f"({p})$")) for k, p in _WORDS.items()]
        }

    reader = YAML(typ="safe", pure=True)
    reader.Resolver = Resolver
    try:
        with warnings.catch_warnings():
            # An anchor may be used again.
            warnings.simplefilter("ignore")
            return reader.compose(text)
    except RecursionError:
        msg = f"{source}: it is nested too deeply."
        raise SweepError(msg) from None
    except (ValueError, OverflowError) as error:
        # What only Python refuses: a letter, or a version of 5000 digits.
        found = _NO_LETTER.search(text)
        line = text.count("\n", 0, found.start() if found else 0) + 1
        problem = f"{found[1]} is no letter of Unicode" if found else error
        msg = f"{source}, line {line}: not YAML: {problem}."
        raise SweepError(msg) from error
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        msg = f"{source}{line}: not YAML: {problem}."
        raise SweepError(msg) from error
