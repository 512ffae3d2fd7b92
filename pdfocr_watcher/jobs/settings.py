"""What holds for one job alone: the settings of the folder that its PDF was dropped into, frozen at the claim.

They are a part of the job's status. Where they come from, and what may be set, is decided in `config.folder_file`.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Days = Annotated[int, Field(ge=0, le=36500)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class Priority(StrEnum):
    """Whose pages go first, where several jobs have some."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class JobSettings(BaseModel):
    """The settings of a job; what is null is as the configuration has it."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)

    profile: Name | None = Field(None, description="how the model is asked and read")
    prompt: Annotated[str, Field(min_length=1, max_length=2000)] | None = Field(
        None, description="what the model is asked instead of the profile's own question"
    )
    dpi: Annotated[int, Field(ge=36, le=1200)] | None = Field(None, description="resolution of the page rasters")
    outputs: Annotated[tuple[Name, ...], Field(max_length=10)] | None = Field(
        None, description="what is written beside the Markdown and the figures"
    )
    priority: Priority | None = Field(None, description="low, normal or high")
    languages: Annotated[tuple[Name, ...], Field(min_length=1, max_length=20)] | None = Field(
        None, description="the languages of the pages"
    )
    completed_days: Days | None = Field(None, description="days that the result is kept if the job is completed")
    failed_days: Days | None = Field(None, description="the same if it has failed")

    def over(self, outer: "JobSettings") -> "JobSettings":
        """These settings, and those of an outer folder where these say nothing."""
        return outer.model_copy(update=self.given)

    @property
    def given(self) -> dict[str, Any]:
        """The settings that say something, by name."""
        return {name: value for name, value in self if value is not None}

    @property
    def reading(self) -> "JobSettings":
        """Those of the settings that the outputs depend on."""
        return self.model_copy(update={"priority": None, "completed_days": None, "failed_days": None})
