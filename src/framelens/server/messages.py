"""The shapes of requests and answers, for validation and for the OpenAPI description."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _writable(text: str) -> str:
    """JSON can escape half a surrogate pair, which is no character and cannot be written back."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"half a surrogate pair at character {error.start}") from None
    return text


Text = Annotated[str, AfterValidator(_writable)]
Targets = Annotated[list[Annotated[Text, Field(min_length=1, max_length=200)]], Field(max_length=20)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ClassifyRequest(_Message):
    """One article or several."""

    text: Text | list[Text] = Field(
        description="An article gives a document, a list of articles a list of documents.",
        examples=["The ministry called the tariffs illegal. Both sides agreed to keep talking."],
    )
    targets: Targets = Field(
        default=[], description="Whom to find the stance toward: names, with at least one letter or digit each."
    )


class BatchLine(_Message):
    """One line of ``/batch``."""

    id: Text | int | None = Field(default=None, description="Comes back with the answer.")
    text: Text
    targets: Targets = []


class SpanMessage(BaseModel):
    """A stretch of the document: ``text[start:end]``, counted in Unicode characters."""

    text: str
    start: int
    end: int
    name: str | None = Field(default=None, description="Whom the words stand for, where they were resolved.")


class StanceMessage(BaseModel):
    """The position of a sentence's source toward a target."""

    target: SpanMessage
    label: Literal["favor", "against", "neutral"]
    score: float


class SentenceMessage(BaseModel):
    """One sentence with what was read from it."""

    text: str
    start: int
    end: int
    frame: str | None = Field(description="The primary frame.")
    frames: list[str] = Field(description="Every frame over its threshold, most probable first.")
    scores: dict[str, float] = Field(description="A calibrated probability for each label, each on its own.")
    source: SpanMessage | None
    stances: list[StanceMessage]


class DocumentMessage(BaseModel):
    """A text and its sentences."""

    text: str
    sentences: list[SentenceMessage]
    labels: list[str]
    model: str


class LabelMessage(BaseModel):
    """A frame that the model knows."""

    name: str
    description: str
    threshold: float


class LimitsMessage(BaseModel):
    """What one request may hold."""

    body_bytes: int
    texts: int
    sentences: int
    seconds: float


class LabelsMessage(BaseModel):
    """What the model finds, and what the page needs to show it."""

    model: str
    tasks: list[str] = Field(description="What the model reads: of 'frames', 'source' and 'stance'.")
    labels: list[LabelMessage]
    palette: list[str] = Field(description="Colours for the labels, in their order; told apart with any colour vision.")
    stances: list[str]
    author: str = Field(description="Stands for the source of a sentence that names none.")
    limits: LimitsMessage


class HealthMessage(BaseModel):
    """That the server runs, and how busy it is."""

    status: Literal["ok"]
    version: str
    model: str
    waiting: int = Field(description="Requests that wait for the engine.")


class Problem(BaseModel):
    """Why there is no answer."""

    detail: str
