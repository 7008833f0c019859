"""What a labelled row says of source and stance, in the forms that the project's and the public data sets use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framelens.errors import DataError
from framelens.schema import STANCES

Offsets = tuple[int, int]
_POLARITY = {2: "against", 4: "neutral", 6: "favor"}  # NewsMTSC (Hamborg and Donnay 2021)


@dataclass(frozen=True)
class TargetStance:
    """A target's characters in the sentence and the stance toward it: a label, or a probability per label of ``STANCES``."""

    start: int
    end: int
    label: str
    scores: tuple[float, ...] | None = None

    @property
    def distribution(self) -> tuple[float, ...]:
        """One probability per label of ``STANCES``."""
        return self.scores or tuple(float(self.label == name) for name in STANCES)


def parse_source(value: Any, text: str) -> tuple[Offsets, ...]:
    """The spans that name a source; none where the author speaks.

    Args:
        value: None, ``[start, end]``, a list of such, or, as in PolNeAR, a list of ``[kind, start, end]`` whose kind is
            ``source`` (others are left out). A string is read as JSON.
        text: the sentence, to check offsets against.

    Raises:
        DataError: another form, or offsets outside the text.
    """
    value = _from_json(value)
    if value is None:
        return ()
    accepted = 'null, [start, end], a list of such, or a list of ["source", start, end]'
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise DataError(f"source is {value!r:.60}; accepted: {accepted}")
    spans = [value] if len(value) == 2 and all(isinstance(x, int) for x in value) else list(value)
    found = []
    for span in spans:
        if not isinstance(span, Sequence) or isinstance(span, str) or len(span) not in (2, 3):
            raise DataError(f"source is {value!r:.60}; accepted: {accepted}")
        if len(span) == 2 or span[0] == "source":
            found.append(_offsets(span[-2:], text, "source"))
    return tuple(sorted(found))


def parse_stances(value: Any, text: str) -> tuple[TargetStance, ...]:
    """The targets of a sentence with the stance toward each.

    Args:
        value: a list of ``{"target": [start, end], "label": ...}`` (or ``"scores"``: a probability per label), or, as in
            NewsMTSC, of ``{"from": start, "to": end, "polarity": 2, 4 or 6}``. A string is read as JSON.
        text: the sentence, to check offsets against.

    Raises:
        DataError: another form, an unknown stance, or offsets outside the text.
    """
    value = _from_json(value)
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(x, Mapping) for x in value):
        raise DataError(f"stances are {value!r:.60}; accepted: a list of objects with target and label")
    return tuple(_stance(item, text) for item in value)


def _stance(item: Mapping[str, Any], text: str) -> TargetStance:
    if "polarity" in item:
        label = _POLARITY.get(item["polarity"], item["polarity"])
        start, end = _offsets((item.get("from"), item.get("to")), text, "target")
    else:
        label = item.get("label")
        start, end = _offsets(item.get("target"), text, "target")
    scores = item.get("scores")
    if isinstance(scores, Sequence) and len(scores) == len(STANCES):
        best = max(range(len(STANCES)), key=lambda i: scores[i])
        return TargetStance(start, end, STANCES[best], tuple(float(x) for x in scores))
    if label not in STANCES:
        raise DataError(f"stance is {label!r}; accepted: {', '.join(STANCES)} (or NewsMTSC's polarity 2, 4, 6)")
    return TargetStance(start, end, label)


def _offsets(value: Any, text: str, what: str) -> Offsets:
    pair = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    if len(pair) == 2 and all(isinstance(x, int) for x in pair) and 0 <= pair[0] < pair[1] <= len(text):
        return pair[0], pair[1]
    raise DataError(
        f"{what} is at {value!r}; accepted: [start, end] with 0 <= start < end <= {len(text)}, the sentence's length"
    )


def _from_json(value: Any) -> Any:
    """Values from CSV come as JSON text."""
    if value is None or value == "" or (isinstance(value, float) and value != value):
        return None
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        raise DataError(f"{value!r:.60} is not JSON: {error}") from None
