"""AWS's own description of SageMaker, as botocore ships it: what a request and an answer may look like."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.parts import missing

try:
    import botocore.session
    from botocore.parsers import create_parser
    from botocore.validate import ParamValidator
except ImportError:  # then `described` skips
    botocore = None


def described() -> Shapes:
    """SageMaker's description; without botocore the test is skipped by name."""
    if botocore is None:
        missing("botocore")
    return Shapes(botocore.session.get_session().get_service_model("sagemaker"))


class Shapes:
    """Says what is wrong with a request or an answer; nothing where it is as described."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def wrong_request(self, operation: str, body: dict[str, Any]) -> list[str]:
        shape = self.model.operation_model(operation).input_shape
        found = ParamValidator().validate(body, shape)
        return [*([found.generate_report()] if found.has_errors() else []), *beyond(body, shape)]

    def wrong_answer(self, operation: str, status: int, told: dict[str, Any]) -> list[str]:
        """For a failure: that botocore's parser reads its kind and words, and that a described kind has its members."""
        described_ = self.model.operation_model(operation)
        parser = create_parser(self.model.metadata["protocol"])
        raw = {"status_code": status, "headers": {}, "body": json.dumps(told).encode()}
        read = parser.parse(raw, described_.output_shape)
        if status == 200:
            found = ParamValidator().validate(told, described_.output_shape)
            lost = [key for key in told if key not in read]
            report = [found.generate_report()] if found.has_errors() else []
            return [*report, *beyond(told, described_.output_shape), *(f"{key} is read by nobody" for key in lost)]
        error, kind = read["Error"], told["__type"]
        wrong = [] if (error["Code"], error["Message"]) == (kind, told["message"]) else [f"read as {error}"]
        known = {shape.name for shape in described_.error_shapes} | COMMON
        return wrong if kind in known else [*wrong, f"{operation} never fails with {kind}"]


# what every AWS service may answer (SageMaker API reference, Common Errors); they are in no description
COMMON = frozenset(
    {"AccessDeniedException", "ExpiredTokenException", "InternalFailure", "ServiceUnavailable", "ThrottlingException"}
    | {"ValidationException", "UnrecognizedClientException"}
)


def beyond(value: Any, shape: Any, where: str = "") -> list[str]:
    """What botocore leaves to the service to check: patterns, lengths, enumerations."""
    limits = shape.metadata
    if shape.type_name == "structure":
        return [
            wrong
            for name, inner in value.items()
            if name in shape.members
            for wrong in beyond(inner, shape.members[name], f"{where}.{name}")
        ]
    if shape.type_name == "list":
        many = [f"{where} has {len(value)}"] if len(value) > limits.get("max", len(value)) else []
        return many + [wrong for each in value for wrong in beyond(each, shape.member, f"{where}[]")]
    if shape.type_name == "string":
        wrong = [f"{where} is {value!r}"]
        if shape.enum and value not in shape.enum:
            return wrong
        fits = re.fullmatch(limits.get("pattern", r"(?s).*"), value)
        return [] if fits and len(value) <= limits.get("max", len(value)) else wrong
    return []
