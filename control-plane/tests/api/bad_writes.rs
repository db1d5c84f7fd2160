//! Every operation of the OpenAPI document that writes, asked for in every way that must be refused: by those who must not, with bodies broken
//! anywhere, with odd paths, versions and bytes. The answer is a problem document with the right status that names what is wrong, and nothing
//! is written; nor is it where a request changes nothing. An operation that `samples.rs` does not know fails these.

mod broken;
mod odd;
mod samples;

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use pennon_control_plane::router;
use pennon_control_plane::store::backup;
use pennon_core::snapshot::Kind;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::callers::*;
use crate::support::*;
use samples::{Sample, furnish, sample};

on_both_databases!(
    nobody_without_good_credentials_writes,
    no_body_is_taken_that_is_broken_anywhere,
    nothing_is_written_where_the_path_the_version_or_the_bytes_are_odd,
    what_changes_nothing_is_no_change,
);

/// Tables whose rows a backup does not have.
const LEFT_OUT: [&str; 3] = ["sessions", "token_families", "invitations"];

/// Everything that is kept, row by row, sorted: PostgreSQL gives rows in another order once a table was vacuumed.
async fn everything(server: &Server) -> Vec<String> {
    let mut bytes = Vec::new();
    backup::write(&server.app.store, &mut bytes, NOW).await.unwrap();
    let mut kept: Vec<String> =
        str::from_utf8(&bytes).unwrap().lines().map(str::to_owned).collect();
    // The hash of all the lines in their order.
    let end = kept.pop().unwrap();
    assert!(end.contains("sha256"), "{end}");
    let mut tx = server.app.store.begin_read().await.unwrap();
    for table in LEFT_OUT {
        let count = format!("SELECT COUNT(*) FROM {table}");
        let (count,): (i64,) =
            sqlx::query_as(sqlx::AssertSqlSafe(count)).fetch_one(&mut *tx).await.unwrap();
        kept.push(format!("{table}: {count}"));
    }
    kept.sort_unstable();
    kept
}

/// The first lines that differ.
fn difference<'a>(before: &'a [String], after: &'a [String]) -> Option<(&'a str, &'a str)> {
    let cut = |kept: &'a [String], at: usize| {
        kept.get(at).map_or("", |line| line.get(..500).unwrap_or(line))
    };
    let longest = before.len().max(after.len());
    let at = (0..longest).find(|at| before.get(*at) != after.get(*at))?;
    Some((cut(before, at), cut(after, at)))
}

/// An operation that is no GET, as the document has it.
struct Operation {
    id: String,
    method: Method,
    template: String,
    described: Value,
}

impl Operation {
    fn all(document: &Value) -> Vec<Self> {
        let paths = document["paths"].as_object().unwrap();
        let each = paths.iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, described)| Self {
                id: described["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                template: path.clone(),
                described: described.clone(),
            })
        });
        let mut all: Vec<Self> = each.filter(|one| one.method != Method::GET).collect();
        // While nobody is there, and once more when everybody is.
        all.sort_by_key(|one| one.id != "setUp");
        all
    }

    fn takes(&self, parameter: &str) -> bool {
        let parameters = self.described["parameters"].as_array().unwrap();
        parameters.iter().any(|one| one["name"] == parameter)
    }

    /// Whether it makes what is not there: it is answered with 201 then.
    fn takes_new(&self) -> bool {
        self.described["responses"]["201"].is_object()
    }

    fn is_public(&self) -> bool {
        self.described["security"] == json!([])
    }

    /// The content type of its body.
    fn body(&self) -> Option<&str> {
        let content = self.described["requestBody"]["content"].as_object()?;
        content.keys().next().map(String::as_str)
    }
}

/// A server with its owner, everything that samples refer to, and all operations that write.
struct World {
    server: Server,
    ada: String,
    operations: Vec<Operation>,
}

impl World {
    async fn new(place: &Place) -> Self {
        let server = start(place).await;
        let operations = Operation::all(&router::openapi());
        assert!(operations.len() > 60, "{}", operations.len());
        let ada = set_up(&server).await;
        furnish(&server).await;
        Self { server, ada, operations }
    }

    async fn sample(&self, operation: &Operation) -> Sample {
        let mut sample = sample(&self.server, &self.ada, &operation.id, &operation.template).await;
        if operation.id == "importProject" {
            sample.path.push_str("?from=project");
        }
        // The first use of a token is noted, and so is the first of a session.
        let request = self.request(operation, &sample);
        let request = request.method(Method::GET).uri("/auth/me").body(Body::empty()).unwrap();
        self.server.send(request).await;
        sample
    }

    /// A request as the sample has it, by whoever may make it, over whatever is there.
    fn request(&self, operation: &Operation, sample: &Sample) -> axum::http::request::Builder {
        let mut request = Request::builder().method(operation.method.clone()).uri(&sample.path);
        if operation.takes("If-Match") {
            request = request.header("if-match", "*");
        }
        if let Some(kind) = operation.body() {
            request = request.header("content-type", kind);
        }
        match &sample.cookie {
            Some(cookie) => {
                request.header("cookie", cookie).header("sec-fetch-site", "same-origin")
            }
            None if operation.is_public() => request,
            None => request.header("authorization", format!("Bearer {}", self.server.token)),
        }
    }

    /// The request must be refused with a problem document, and write nothing.
    async fn refused(&self, request: Request<Body>, before: &[String], what: &str) -> Answer {
        let answer = self.server.send(request).await;
        assert!(answer.status.is_client_error(), "{what}: {answer:?}");
        answer.problem();
        let after = everything(&self.server).await;
        assert_eq!(difference(before, &after), None, "{what} wrote something: {answer:?}");
        answer
    }

    /// What was broken in all those ways is good as it was.
    async fn good(&self, operation: &Operation, sample: &Sample) {
        let body = sample.body.as_ref().map_or_else(Body::empty, |body| body.to_string().into());
        let request = self.request(operation, sample).body(body).unwrap();
        let answer = self.server.send(request).await;
        let done = match operation.id.as_str() {
            // It was set up before.
            "setUp" => answer.status == 409 || answer.status == 401,
            // Nothing was published then.
            "evaluateAt" => answer.status.is_success() || answer.status == 404,
            _ => answer.status.is_success(),
        };
        assert!(done, "{}: {answer:?}", operation.id);
    }
}

async fn no_body_is_taken_that_is_broken_anywhere(place: Place) {
    let world = World::new(&place).await;
    let document = router::openapi();
    let (mut failures, mut asked) = (Vec::new(), 0);
    for operation in world.operations.iter().filter(|operation| operation.body().is_some()) {
        let sample = world.sample(operation).await;
        let before = everything(&world.server).await;
        let good = sample.body.as_ref().unwrap();
        let ways = broken::ways(&document, operation, good);
        assert!(ways.len() >= 10, "{} is broken in {} ways alone", operation.id, ways.len());
        let found = failures.len();
        for way in &ways {
            let request = world.request(operation, &sample);
            let request = request.body(Body::from(way.body.to_string())).unwrap();
            let answer = world.server.send(request).await;
            if let Err(why) = way.judge(&answer) {
                failures.push(format!("{} with {way}: {why}", operation.id));
            }
        }
        if let Some(wrote) = difference(&before, &everything(&world.server).await) {
            failures.push(format!("{} wrote something: {wrote:?}", operation.id));
        }
        if failures.len() == found {
            world.good(operation, &sample).await;
        }
        println!("{}: {} ways, {} failed", operation.id, ways.len(), failures.len() - found);
        asked += ways.len();
    }
    assert!(failures.is_empty(), "{} of {asked}:\n{}", failures.len(), failures.join("\n"));
}

async fn nothing_is_written_where_the_path_the_version_or_the_bytes_are_odd(place: Place) {
    let world = World::new(&place).await;
    let elsewhere = json!({ "key": "elsewhere", "name": "Another project" });
    world.server.post("/admin/projects", elsewhere).await.ok();
    let (mut failures, mut asked) = (Vec::new(), 0);
    for operation in &world.operations {
        let sample = world.sample(operation).await;
        let before = everything(&world.server).await;
        let found = failures.len();
        let requests = odd::requests(operation, &sample);
        for odd in &requests {
            let mut request = world.request(operation, &sample).uri(&odd.path);
            for (name, value) in &odd.headers {
                request.headers_mut().unwrap().remove(*name);
                request = request.header(*name, value.as_slice());
            }
            let request = request.body(Body::from(odd.body.clone())).unwrap();
            let answer = world.server.send(request).await;
            if let Err(why) = odd.judge(&answer) {
                failures.push(format!("{} with {}: {why}", operation.id, odd.how));
            }
        }
        if let Some(wrote) = difference(&before, &everything(&world.server).await) {
            failures.push(format!("{} wrote something: {wrote:?}", operation.id));
        }
        if failures.len() == found {
            world.good(operation, &sample).await;
        }
        asked += requests.len();
    }
    println!("{asked} odd requests");
    assert!(asked > 1_000, "{asked}");
    assert!(failures.is_empty(), "{} of {asked}:\n{}", failures.len(), failures.join("\n"));
}

/// An empty patch, and a whole that is what is there: no version, no entry.
async fn what_changes_nothing_is_no_change(place: Place) {
    let world = World::new(&place).await;
    let (mut asked, mut wrote) = (0, Vec::new());
    let written_over = [Method::PUT, Method::PATCH];
    for operation in world.operations.iter().filter(|one| written_over.contains(&one.method)) {
        let Some(kind) = operation.body() else { continue };
        let sample = world.sample(operation).await;
        let body = match kind {
            "application/merge-patch+json" => json!({}),
            _ => {
                world.good(operation, &sample).await;
                sample.body.clone().unwrap()
            }
        };
        let before = everything(&world.server).await;
        let request = world.request(operation, &sample);
        let request = request.body(Body::from(body.to_string())).unwrap();
        world.server.send(request).await.ok();
        if let Some(difference) = difference(&before, &everything(&world.server).await) {
            wrote.push(format!("{}: {difference:?}", operation.id));
        }
        asked += 1;
    }
    assert!(asked > 10, "{asked}");
    assert!(wrote.is_empty(), "{wrote:?} wrote something");
}

/// A JWT that nobody here made, about somebody who is here.
fn forged(header: &Value, claims: &Value, key: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

async fn nobody_without_good_credentials_writes(place: Place) {
    let world = World::new(&place).await;
    let server = &world.server;
    let token = async |name: &str, ends: Option<i64>| {
        let new = json!({ "name": name, "role": "owner", "expiresAt": ends });
        server.post(TOKENS, new).await.ok().json()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let expired = text(&token("expired", Some(NOW + 1)).await["token"]);
    let revoked = token("revoked", None).await;
    server.delete(&format!("{TOKENS}/{}", text(&revoked["id"]))).await.ok();
    server.app.clock.advance(1);
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let tokens = ask(server, With::Nothing, Method::POST, "/auth/token", Some(credentials));
    let good = text(&tokens.await.ok().json()["accessToken"]);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let claims = URL_SAFE_NO_PAD.decode(message.split_once('.').unwrap().1).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let hs256 = json!({ "alg": "HS256", "typ": "JWT" });
    let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none" }).to_string());
    let ended = cookie(&sign_in(server, "ada@example.com", PASSWORD).await.ok());
    ask(server, With::Cookie(&ended), Method::POST, "/auth/sign-out", None).await.ok();
    let bearers = [
        ("an expired token", expired),
        ("a revoked token", text(&revoked["token"])),
        ("a token that nobody has", format!("pna_{}", "A".repeat(43))),
        ("no token", String::new()),
        ("a long token", "A".repeat(100_000)),
        ("an SDK key", server.key(0, Kind::Server)),
        ("a session's cookie", world.ada.split_once('=').unwrap().1.to_owned()),
        ("alg none", format!("{none}.{}.", message.split_once('.').unwrap().1)),
        ("alg none, signed", format!("{none}.{}.{signature}", message.split_once('.').unwrap().1)),
        ("another key", forged(&hs256, &claims, &[1; 32])),
        ("an empty key", forged(&hs256, &claims, &[])),
        ("the installation's secret as the key", forged(&hs256, &claims, &SECRET)),
        ("another audience", forged(&hs256, &with("aud", json!("somebody")), &SECRET)),
        (
            "another person",
            format!("{}.{signature}", {
                let other = URL_SAFE_NO_PAD.encode(with("sub", json!("0".repeat(32))).to_string());
                format!("{}.{other}", message.split_once('.').unwrap().0)
            }),
        ),
        ("a cut signature", good[..good.len() - 4].to_owned()),
    ];
    me(server, With::Bearer(&good)).await.ok();
    for operation in world.operations.iter().filter(|operation| !operation.is_public()) {
        let sample = world.sample(operation).await;
        let before = everything(server).await;
        let body = || sample.body.as_ref().map_or_else(Body::empty, |body| body.to_string().into());
        let bare = || {
            let mut request = world.request(operation, &sample);
            let headers = request.headers_mut().unwrap();
            for name in ["authorization", "cookie", "sec-fetch-site"] {
                headers.remove(name);
            }
            request
        };
        for (name, bearer) in &bearers {
            let what = format!("{} with {name}", operation.id);
            let request = bare().header("authorization", format!("Bearer {bearer}"));
            let answer = world.refused(request.body(body()).unwrap(), &before, &what).await;
            assert_eq!(answer.problem(), (401, "token".to_owned()), "{what}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer", "{what}");
        }
        for (name, cookie) in [("no cookie", None), ("an ended session", Some(&ended))] {
            let what = format!("{} with {name}", operation.id);
            let mut request = bare().header("sec-fetch-site", "same-origin");
            if let Some(cookie) = cookie {
                request = request.header("cookie", cookie);
            }
            let answer = world.refused(request.body(body()).unwrap(), &before, &what).await;
            assert_eq!(answer.problem(), (401, "token".to_owned()), "{what}");
        }
        // A good cookie, from somebody else's page or from nowhere.
        for site in
            [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example.com"), ("x-a", "b")]
        {
            let what = format!("{} from {site:?}", operation.id);
            let request = bare().header("cookie", &world.ada).header(site.0, site.1);
            let answer = world.refused(request.body(body()).unwrap(), &before, &what).await;
            assert_eq!(answer.problem(), (403, "cross-site".to_owned()), "{what}");
        }
        world.good(operation, &sample).await;
    }
}
