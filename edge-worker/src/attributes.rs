//! What an edge knows of a request by itself: `geo.*`, `network.*` and `device.*` (core/spec/protocol.md section 8). Looked up only where a flag
//! may ask for it.

use pennon_core::snapshot::Snapshot;
use serde_json::{Map, Value};
use wasm_bindgen::JsValue;
use worker::Request;
use worker::js_sys::Reflect;

use crate::settings::Settings;

const GEO: &str = "geo.";
const NETWORK: &str = "network.";
const DEVICE: &str = "device.";
/// The header in which Cloudflare names the client's address.
const CLOUDFLARE: &str = "cf-connecting-ip";

/// What of it a snapshot may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    geo: bool,
    network: bool,
    device: bool,
}

impl Wanted {
    /// Whether the words stand anywhere in the body: a condition on them cannot be without. A word that is there by chance costs a
    /// look-up and nothing else.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let bytes = snapshot.bytes();
        let mut wanted = Self::default();
        for (at, first) in bytes.iter().enumerate() {
            let here = |word: &str| bytes[at..].starts_with(word.as_bytes());
            match first {
                b'g' => wanted.geo |= here(GEO),
                b'n' => wanted.network |= here(NETWORK),
                b'd' => wanted.device |= here(DEVICE),
                _ => {}
            }
        }
        wanted
    }
}

/// The attributes of a request, of the groups that are wanted. What is not known is null, which is missing to every condition: whoever
/// sends the request cannot fill it in. None when no group is wanted.
pub(crate) fn known(
    settings: &Settings,
    request: &Request,
    wanted: Wanted,
) -> Option<Map<String, Value>> {
    if wanted == Wanted::default() {
        return None;
    }
    let cf = cf(request);
    let mut known = Map::new();
    let mut put = |name: &str, value: Value| known.insert(name.to_owned(), value);
    if wanted.geo {
        let country = text(&cf, "country");
        let eu = country.is_some().then(|| text(&cf, "isEUCountry").as_deref() == Some("1"));
        put("geo.continent", text(&cf, "continent").into());
        put("geo.country", country.into());
        put("geo.region", text(&cf, "regionCode").into());
        put("geo.city", text(&cf, "city").into());
        put("geo.timezone", text(&cf, "timezone").into());
        put("geo.eu", eu.into());
    }
    if wanted.network {
        let asn = field(&cf, "asn").and_then(|asn| asn.as_f64());
        put("network.ip", address(settings, request).into());
        put("network.asn", asn.map(|asn| asn as u64).into());
        put("network.organization", text(&cf, "asOrganization").into());
    }
    if wanted.device {
        let agent = header(request, "user-agent").unwrap_or_default();
        let hint = |name| header(request, name).map(|hint| hint.trim_matches('"').to_owned());
        // Client hints say it themselves; the user agent is guessed from.
        let mobile = hint("sec-ch-ua-mobile").map(|hint| hint == "?1");
        let system = hint("sec-ch-ua-platform");
        let language = header(request, "accept-language");
        put("device.type", kind(&agent, mobile).into());
        put("device.os", system.or_else(|| first(&agent, SYSTEMS).map(str::to_owned)).into());
        put("device.browser", first(&agent, BROWSERS).into());
        put("device.language", language.as_deref().and_then(preferred).into());
    }
    Some(known)
}

/// Where the request comes from, when somebody trusted says so.
pub(crate) fn address(settings: &Settings, request: &Request) -> Option<String> {
    // Anybody can send Cloudflare's header to a worker that Cloudflare does not stand in front of.
    let trusted =
        if cf(request).is_object() { Some(CLOUDFLARE) } else { settings.address_header.as_deref() };
    let addresses = header(request, trusted?)?;
    // The last one is what the trusted proxy itself saw.
    Some(addresses.rsplit(',').next().unwrap_or_default().trim().to_owned())
}

/// Cloudflare's own object, which no client can write. Elsewhere there is none.
fn cf(request: &Request) -> JsValue {
    field(request.inner(), "cf").unwrap_or_default()
}

/// Words of a user agent and what they mean; the first that is there decides, so the more special stand first.
const SYSTEMS: &[(&str, &str)] = &[
    ("Windows", "Windows"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Android", "Android"),
    ("CrOS", "Chrome OS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

fn first(agent: &str, words: &[(&str, &'static str)]) -> Option<&'static str> {
    words.iter().find(|(word, _)| agent.contains(word)).map(|(_, meaning)| *meaning)
}

/// `bot`, `tablet`, `mobile` or `desktop`; none without a user agent.
fn kind(agent: &str, mobile: Option<bool>) -> Option<&'static str> {
    let has = |word: &str| agent.contains(word);
    if agent.is_empty() {
        return mobile.map(|mobile| if mobile { "mobile" } else { "desktop" });
    }
    Some(if ["bot", "Bot", "spider", "crawler"].into_iter().any(has) {
        "bot"
    } else if has("iPad") || has("Tablet") || has("Android") && !has("Mobile") {
        "tablet"
    } else if mobile.unwrap_or_else(|| has("Mobile")) {
        "mobile"
    } else {
        "desktop"
    })
}

/// The language that stands first in Accept-Language, which is the one that browsers prefer.
fn preferred(header: &str) -> Option<&str> {
    let language = header.split([',', ';']).next()?.trim();
    (!language.is_empty() && language != "*").then_some(language)
}

fn header(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name).ok().flatten().filter(|value| !value.is_empty())
}

fn field(object: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(object, &JsValue::from_str(name)).ok()
}

fn text(object: &JsValue, name: &str) -> Option<String> {
    field(object, name)?.as_string().filter(|text| !text.is_empty())
}
