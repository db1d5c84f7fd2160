"""What visitors of a shop see: a user a line on standard input, what they get a line on standard output.

PENNON_URL is the address of an edge or of a control plane, PENNON_SDK_KEY a server key.
"""

import json
import os
import sys

from openfeature import api
from openfeature.evaluation_context import EvaluationContext

from flags import provider

api.set_provider(provider(os.environ["PENNON_URL"], os.environ["PENNON_SDK_KEY"]))
client = api.get_client()
for line in sys.stdin:
    visitor = EvaluationContext(line.strip(), {"country": "DE"})
    checkout = client.get_boolean_details("new-checkout", False, visitor)
    shown = {
        "checkout": "new" if checkout.value else "old",
        "banner": client.get_string_value("banner-text", "Welcome", visitor),
        "reason": str(getattr(checkout.reason, "value", checkout.reason)),
        "error": checkout.error_code.value if checkout.error_code else None,
    }
    print(json.dumps(shown), flush=True)
api.shutdown()
