//! Evaluation for any program that can send a request (core/spec/protocol.md section 7): no library, no provider, plain JSON.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::Response;
use super::access::Denied;
use super::ofrep::{Evaluation, MAX_REQUEST_BYTES, context_with, sentence};
use super::problem::{denied, problem};
use crate::context::{Context, ContextError};
use crate::outcome::{ErrorCode, FlagType, Outcome, Value};

/// Flags that one batch may name.
pub const MAX_FLAGS: usize = 1_000;

/// How a request may call the environment of its key.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// 32 hex digits.
    pub id: &'a str,
    /// Its key, where the host knows it.
    pub key: Option<&'a str>,
}

impl Environment<'_> {
    /// What names no environment names the key's own.
    fn check(&self, named: Option<&str>) -> Result<(), Response> {
        match named {
            None | Some("") => Ok(()),
            Some(name) if name == self.id || Some(name) == self.key => Ok(()),
            Some(_) => Err(denied(Denied::KeyEnvironment)),
        }
    }
}

/// `GET /api/v1/flags/{key}?userId=&environment=`; `query` is what stands behind the question mark, as it was sent.
pub fn single(
    evaluation: Evaluation<'_>,
    environment: Environment<'_>,
    key: &str,
    query: &str,
) -> Response {
    let asked = match Asked::read(query) {
        Ok(asked) => asked,
        Err(detail) => return problem(400, "query", &detail),
    };
    if let Err(refused) = environment.check(asked.environment.as_deref()) {
        return refused;
    }
    let context = match user(asked.user_id.as_deref(), evaluation.known) {
        Ok(context) => context,
        Err(error) => return problem(400, "invalid-context", &error.to_string()),
    };
    let outcome = evaluation.evaluate(key, &context);
    match outcome.error {
        Some(code) => problem(status(code), word(code), sentence(code)),
        None => private(Response::json(200, &told(&evaluation, key, &outcome))),
    }
}

/// `POST /api/v1/flags/batch` with `{"context": {...}, "flags": ["..."], "environment": "..."}`; without `flags`, all of them.
pub fn batch(evaluation: Evaluation<'_>, environment: Environment<'_>, body: &[u8]) -> Response {
    if body.len() > MAX_REQUEST_BYTES {
        return problem(413, "body-too-large", "send a shorter body");
    }
    let batch: Batch = match serde_json::from_slice(body) {
        Ok(batch) => batch,
        Err(error) => return problem(400, "body", &format!("the body is no batch: {error}")),
    };
    if let Err(refused) = environment.check(batch.environment.as_deref()) {
        return refused;
    }
    let context = match context_with(batch.context.as_ref(), evaluation.known) {
        Ok(context) => context,
        Err(error) => return problem(400, "invalid-context", &error.to_string()),
    };
    let keys: Vec<&str> = match &batch.flags {
        Some(keys) if keys.len() > MAX_FLAGS => {
            return problem(400, "body", &format!("flags: name at most {MAX_FLAGS}"));
        }
        Some(keys) => keys.iter().map(String::as_str).collect(),
        None => evaluation.visible().map(|flag| flag.key()).collect(),
    };
    let flags: Vec<Json> = keys
        .into_iter()
        .map(|key| told(&evaluation, key, &evaluation.evaluate(key, &context)))
        .collect();
    let head = evaluation.head;
    let body = json!({ "flags": flags, "version": head.version, "epoch": head.epoch });
    private(Response::json(200, &body))
}

/// What a request says of whom it asks for.
#[derive(Debug, Default)]
struct Asked<'q> {
    user_id: Option<Cow<'q, str>>,
    environment: Option<Cow<'q, str>>,
}

impl<'q> Asked<'q> {
    fn read(query: &'q str) -> Result<Self, String> {
        let mut asked = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match name {
                "userId" => &mut asked.user_id,
                "environment" => &mut asked.environment,
                // A client key; it was looked at before.
                "key" => continue,
                _ => {
                    let name: String = name.chars().take(100).collect();
                    return Err(format!(
                        "{name}: the parameters are userId, environment and key; more attributes go into a batch's context"
                    ));
                }
            };
            if place.replace(decoded(value)?).is_some() {
                return Err(format!("{name} is there twice"));
            }
        }
        Ok(asked)
    }
}

/// A value of a query, in which a plus is a space.
fn decoded(value: &str) -> Result<Cow<'_, str>, String> {
    let wrong = |_| "a parameter is not UTF-8".to_string();
    if value.contains('+') {
        let spaced = value.replace('+', " ");
        let text = percent_decode_str(&spaced).decode_utf8().map_err(wrong)?;
        return Ok(Cow::Owned(text.into_owned()));
    }
    percent_decode_str(value).decode_utf8().map_err(wrong)
}

fn user(id: Option<&str>, known: Option<&Map<String, Json>>) -> Result<Context, ContextError> {
    let said = id.filter(|id| !id.is_empty()).map(|id| json!({ "targetingKey": id }));
    context_with(said.as_ref(), known)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    context: Option<Json>,
    flags: Option<Vec<String>>,
    environment: Option<String>,
}

/// `{key, enabled, value, variant, reason, errorCode?}`. `value` and `variant` are null where the caller's default applies.
fn told(evaluation: &Evaluation<'_>, key: &str, outcome: &Outcome<'_>) -> Json {
    let mut told = json!({
        "key": key,
        "enabled": enabled(evaluation, key, outcome),
        "value": outcome.value().map(Value::to_json),
        "variant": outcome.variant(),
        "reason": evaluation.reason(outcome),
    });
    if let Some(code) = outcome.error {
        told["errorCode"] = code.as_str().into();
    }
    told
}

/// A boolean flag's value; of any other, whether it is on.
fn enabled(evaluation: &Evaluation<'_>, key: &str, outcome: &Outcome<'_>) -> bool {
    if outcome.error.is_some() {
        return false;
    }
    let flag = evaluation.find(key).and_then(|position| evaluation.snapshot.flag_at(position));
    match flag.and_then(|flag| Some((flag.flag_type()?, flag.enabled()))) {
        Some((FlagType::Boolean, _)) => matches!(outcome.value(), Some(Value::Boolean(true))),
        Some((_, on)) => on,
        None => false,
    }
}

fn status(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::FlagNotFound => 404,
        ErrorCode::TargetingKeyMissing | ErrorCode::InvalidContext | ErrorCode::TypeMismatch => 400,
        ErrorCode::ProviderNotReady => 503,
        ErrorCode::ParseError | ErrorCode::ProviderFatal | ErrorCode::General => 500,
    }
}

/// The error code as problem documents write codes.
fn word(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::FlagNotFound => "flag-not-found",
        ErrorCode::TypeMismatch => "type-mismatch",
        ErrorCode::TargetingKeyMissing => "targeting-key-missing",
        ErrorCode::InvalidContext => "invalid-context",
        ErrorCode::ParseError => "parse-error",
        ErrorCode::ProviderNotReady => "provider-not-ready",
        ErrorCode::ProviderFatal => "provider-fatal",
        ErrorCode::General => "general",
    }
}

/// For one caller and one context: nobody in between may keep it.
fn private(mut response: Response) -> Response {
    response.headers.push(("cache-control", String::from("private, no-cache")));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_query() {
        let asked = Asked::read("userId=a%20b+c%2Bd&key=pnc_x&environment=").unwrap();
        assert_eq!(asked.user_id.as_deref(), Some("a b c+d"));
        assert_eq!(asked.environment.as_deref(), Some(""));
        assert!(Asked::read("").unwrap().user_id.is_none());
        for (query, named) in [
            ("userid=a", "userid"),
            ("userId=a&userId=b", "userId"),
            ("userId=%ff", "UTF-8"),
            ("plan=pro", "plan"),
        ] {
            let refused = Asked::read(query).unwrap_err();
            assert!(refused.contains(named), "{refused}");
        }
    }

    #[test]
    fn only_the_environment_of_the_key_is_answered_for() {
        let known = Environment { id: "0a", key: Some("production") };
        for name in [None, Some(""), Some("0a"), Some("production")] {
            assert!(known.check(name).is_ok(), "{name:?}");
        }
        let unknown = Environment { id: "0a", key: None };
        for (environment, name) in [(known, "staging"), (known, "0b"), (unknown, "production")] {
            assert_eq!(environment.check(Some(name)).unwrap_err().status, 403, "{name}");
        }
    }
}
