"""OpenFeature's OFREP provider, pointed at Pennon, made for production: it retries what may pass, keeps answers for a moment, and goes on with
the last good ones when nobody answers."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode, OpenFeatureError
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

# Each attempt, in seconds; with the retries, an evaluation takes at most a few of these.
TIMEOUT = 2.0
RETRIES = 2
# An answer is used again for so many seconds,
FRESH = 5.0
# and so many answers are kept, for when nobody answers.
MOST_KEPT = 10_000


def provider(url: str, sdk_key: str) -> "KeepingProvider":
    """A provider that evaluates at `url`, an edge or a control plane, with an SDK key."""
    ofrep = OFREPProvider(
        url,
        headers_factory=lambda: {"Authorization": f"Bearer {sdk_key}"},
        timeout=TIMEOUT,
    )
    retry = Retry(
        total=RETRIES,
        status_forcelist=(502, 503, 504),
        # Evaluations are POST, and change nothing.
        allowed_methods=None,
        backoff_factor=0.1,
        # Spread, so that a crowd does not come back at once.
        backoff_jitter=0.2,
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        ofrep.session.mount(scheme, HTTPAdapter(max_retries=retry))
    return KeepingProvider(ofrep)


class KeepingProvider(AbstractProvider):
    """Answers from what another provider answered a moment ago, or, when that one fails, whenever it was."""

    def __init__(self, inner: OFREPProvider, clock: Callable[[], float] = time.monotonic):
        self._inner = inner
        self._clock = clock
        # By type, flag and context: when it was answered, and the answer. The longest unused stands first.
        self._kept: OrderedDict[tuple, tuple[float, FlagResolutionDetails[Any]]] = OrderedDict()

    def get_metadata(self) -> Metadata:
        return Metadata(name="Pennon by OFREP, keeping what it was told")

    def resolve_boolean_details(self, flag_key, default_value, evaluation_context=None):
        return self._resolve(self._inner.resolve_boolean_details, flag_key, default_value, evaluation_context)

    def resolve_string_details(self, flag_key, default_value, evaluation_context=None):
        return self._resolve(self._inner.resolve_string_details, flag_key, default_value, evaluation_context)

    def resolve_integer_details(self, flag_key, default_value, evaluation_context=None):
        return self._resolve(self._inner.resolve_integer_details, flag_key, default_value, evaluation_context)

    def resolve_float_details(self, flag_key, default_value, evaluation_context=None):
        return self._resolve(self._inner.resolve_float_details, flag_key, default_value, evaluation_context)

    def resolve_object_details(self, flag_key, default_value, evaluation_context=None):
        return self._resolve(self._inner.resolve_object_details, flag_key, default_value, evaluation_context)

    def _resolve(self, resolve, flag_key: str, default_value: Any, context: EvaluationContext | None):
        context = context or EvaluationContext()
        attributes = repr(sorted(context.attributes.items()))
        question = (resolve.__name__, flag_key, context.targeting_key, attributes)
        now = self._clock()
        kept = self._kept.get(question)
        if kept and now - kept[0] < FRESH and not _is_over(kept[1]):
            self._kept.move_to_end(question)
            return _because(kept[1], Reason.CACHED)
        try:
            answer = resolve(flag_key, default_value, context)
        except OpenFeatureError as error:
            # Nobody answered, or nobody who could: an unknown flag or a wrong type is another error, and is told.
            if kept is None or error.error_code != ErrorCode.GENERAL:
                raise
            return _because(kept[1], Reason.STALE)
        self._kept[question] = (now, answer)
        self._kept.move_to_end(question)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return answer


def _is_over(answer: FlagResolutionDetails[Any]) -> bool:
    """Whether time alone may have changed it: Pennon says until when an outcome stands, in Unix milliseconds."""
    until = answer.flag_metadata.get("until")
    return isinstance(until, (int, float)) and time.time() * 1000 >= until


def _because(answer: FlagResolutionDetails[Any], reason: Reason) -> FlagResolutionDetails[Any]:
    return FlagResolutionDetails(
        value=answer.value, variant=answer.variant, reason=reason, flag_metadata=answer.flag_metadata
    )
