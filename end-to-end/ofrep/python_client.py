"""Evaluates flags with OpenFeature's Python SDK and its OFREP provider.

Reads cases as JSON on standard input, writes one JSON outcome a line:
{"url", "key", "cases": [{"type", "flag", "default", "context"}]}
"""

import json
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

request = json.load(sys.stdin)
api.set_provider(
    OFREPProvider(
        request["url"],
        headers_factory=lambda: {"Authorization": f"Bearer {request['key']}"},
    )
)
client = api.get_client()
evaluate = {
    "boolean": client.get_boolean_details,
    "string": client.get_string_details,
    "integer": client.get_integer_details,
    "float": client.get_float_details,
    "object": client.get_object_details,
}
for case in request["cases"]:
    context = dict(case["context"])
    targeting_key = context.pop("targetingKey", None)
    details = evaluate[case["type"]](
        case["flag"], case["default"], EvaluationContext(targeting_key, context)
    )
    print(
        json.dumps(
            {
                "value": details.value,
                "variant": details.variant,
                "reason": details.reason and str(getattr(details.reason, "value", details.reason)),
                "errorCode": details.error_code and details.error_code.value,
            }
        )
    )
api.shutdown()
