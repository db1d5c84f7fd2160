//! What an attribute reference of LaunchDarkly stands for.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::USER_KEY;
use super::payload::Kind;
use crate::import::node;

/// Our attribute that holds the key of a context of this kind.
pub(super) fn kind_key(kind: &Kind) -> Result<String, String> {
    if !kind.is_name() {
        return Err(format!("`{}` is no kind of context", kind.0));
    }
    Ok(if kind.is_user() { USER_KEY.to_string() } else { format!("/{}/key", kind.0) })
}

/// What an attribute reference stands for.
pub(super) enum Referenced {
    /// An attribute of ours; a key is always text.
    Attribute { attribute: String, key: bool },
    /// True or false, and nothing where the context is not there.
    Anonymous(String),
    /// The kinds of the contexts.
    Kinds,
    /// Nothing.
    Nowhere,
    /// An error: the flag is malformed.
    Invalid,
}

/// `kind`: given when the reference may be a path; without it the name is literal and a user's.
pub(super) fn referenced(
    text: &str,
    kind: Option<&Kind>,
    kinds: &BTreeSet<String>,
) -> Result<Referenced, String> {
    let user = Kind::default();
    let Some(names) = names(text, kind.is_some())? else { return Ok(Referenced::Invalid) };
    let kind = kind.unwrap_or(&user);
    let key = kind_key(kind)?;
    let inside = names.len() > 1;
    let name = names.first().map(String::as_str).unwrap_or_default();
    Ok(match name {
        "kind" if !inside => Referenced::Kinds,
        "kind" | "key" | "anonymous" if inside => Referenced::Nowhere,
        "key" => Referenced::Attribute { attribute: key, key: true },
        "anonymous" => Referenced::Anonymous(attribute(kind, &names)),
        USER_KEY if kind.is_user() => {
            return Err(format!("reads a user's attribute `{USER_KEY}`, which is the key here"));
        }
        name if kind.is_user() && kinds.contains(name) => {
            return Err(format!(
                "reads a user's attribute `{name}`, which is also a kind of context"
            ));
        }
        _ => Referenced::Attribute { attribute: attribute(kind, &names), key: false },
    })
}

fn attribute(kind: &Kind, names: &[String]) -> String {
    match names {
        [name] if kind.is_user() => node::name(name),
        _ => {
            let kind = Some(kind).filter(|kind| !kind.is_user());
            node::pointer(
                kind.into_iter()
                    .map(|kind| kind.0.as_str())
                    .chain(names.iter().map(String::as_str)),
            )
        }
    }
}

/// The names of a reference; none when it is invalid.
fn names(text: &str, may_be_path: bool) -> Result<Option<Vec<String>>, String> {
    let unlike = || {
        Err(format!(
            "has the attribute reference `{text}`, which LaunchDarkly's engines read differently"
        ))
    };
    if text.is_empty() {
        return Ok(None);
    }
    if !may_be_path {
        return Ok(Some(alloc::vec![text.to_string()]));
    }
    let Some(path) = text.strip_prefix('/') else {
        if text.contains("//") || text.ends_with('~') || text == "_meta" {
            return unlike();
        }
        return Ok(Some(alloc::vec![text.to_string()]));
    };
    if path.is_empty() || text.contains("//") {
        return Ok(None);
    }
    let mut names = Vec::new();
    for name in path.split('/') {
        let plain = name.replace("~0", "").replace("~1", "");
        if plain.contains('~') {
            return Ok(None);
        }
        names.push(name.replace("~1", "/").replace("~0", "~"));
    }
    // An escape at the beginning of a name is none to the engine in JavaScript.
    if text.contains("/~")
        || path.ends_with('/')
        || names.first().is_some_and(|name| name == "_meta")
    {
        return unlike();
    }
    Ok(Some(names))
}
