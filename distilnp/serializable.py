"""What all answers offer to programs that write them: JSON, and a schema for web services."""

import json
from typing import Any, ClassVar


class Serializable:
    """An answer that is written as `as_dict(full=True)`."""

    __slots__ = ()

    # The types of its full dict, as JSON Schema has them.
    _JSON_TYPES: ClassVar[dict[str, Any]]

    def as_dict(self, *, full: bool = False) -> dict[str, Any]:
        """Return the answer as a dict that JSON can hold."""
        raise NotImplementedError

    def to_json(self) -> str:
        """Return `as_dict(full=True)` as JSON, on one line."""
        return json.dumps(self.as_dict(full=True), ensure_ascii=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Tell pydantic, which calls this, that an answer is written as `as_dict(full=True)`."""
        from pydantic_core import core_schema

        write = core_schema.plain_serializer_function_ser_schema(lambda answer: answer.as_dict(full=True))
        return core_schema.is_instance_schema(cls, serialization=write)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        """Tell pydantic how that looks in a JSON schema, such as the one of a web service."""
        return {
            "type": "object",
            "title": cls.__name__,
            "properties": cls._JSON_TYPES,
            "required": [*cls._JSON_TYPES],
        }
