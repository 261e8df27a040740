"""What every section of the configuration is made of."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

LARGEST_SEED = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly."""
MANY = 1_000_000
"""A bound for counts that have none of their own."""


def setting(default: Any, label: str, help: str, *, live: bool = False, log: bool = False, **bounds: Any) -> Any:
    """A configuration field; `live` may change mid-run, `log` asks for a slider with 0 and then a log scale."""
    extra: dict[str, Any] = {"label": label, "live": live, "log": log}
    return Field(default, title=label, description=help, json_schema_extra=extra, **bounds)


def weight(label: str, help: str, most: float = 100.0) -> Any:
    """The weight of a loss term: 0 by default, live, on a log scale."""
    return setting(0.0, label, help, ge=0, le=most, live=True, log=True)


class Section(BaseModel):
    """A frozen group of settings; unknown names, non-finite numbers and text that no file can hold are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _can_be_written(cls, value: Any) -> Any:
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError:
                raise ValueError("the text is not UTF-8; a file of such a name has to be renamed") from None
        return value
