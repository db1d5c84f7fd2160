//! What is known of a client before anybody knows who it is; and the checks and answers that every way in has in common.

use std::convert::Infallible;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Documented, StatusCode as Status};
use aide::{OperationInput, OperationOutput};
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::auth::actor::foreign;
use crate::auth::origin::{self, Site};
use crate::auth::password::Secret;
use crate::auth::{address, session, token};
use crate::domain::people;
use crate::routes::problem::Problem;
use crate::store::sign_ins::{self, Session};
use crate::store::users::{self, User};
use crate::store::{StoreError, Tx};

/// The most of a User-Agent header that a session keeps, in bytes.
const MAX_USER_AGENT_BYTES: usize = 200;

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Client {
    pub address: Option<String>,
    pub user_agent: Option<String>,
    site: Site,
}

impl FromRequestParts<App> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let address =
            address::client(&parts.extensions, &parts.headers, &app.settings.trusted_proxies);
        let user_agent = parts.headers.get(header::USER_AGENT);
        let user_agent = user_agent.and_then(|value| value.to_str().ok()).map(|text| {
            text.chars().take(MAX_USER_AGENT_BYTES).collect() // visible ASCII: a byte each
        });
        let site = origin::site(&parts.headers, &app.settings.public_url);
        Ok(Self { address: address.map(|address| address.to_string()), user_agent, site })
    }
}

impl OperationInput for Client {}

impl Client {
    /// Refuses what another site's page asks for: it would sign a person in as somebody else. Programs say nothing of where they come from.
    ///
    /// # Errors
    /// 403.
    pub fn not_foreign(&self) -> Result<(), Problem> {
        if self.site == Site::Foreign { Err(foreign()) } else { Ok(()) }
    }

    /// Counts an attempt at an account.
    ///
    /// # Errors
    /// 429 when there were too many.
    pub fn attempt(&self, app: &App, account: &str) -> Result<(), Problem> {
        let address = self.address.as_deref().unwrap_or_default();
        app.throttle.begin(account, address, app.clock.now_ms()).map_err(too_many)
    }

    /// Forgets an attempt that was right.
    pub fn succeeded(&self, app: &App, account: &str) {
        app.throttle.succeeded(account, self.address.as_deref().unwrap_or_default());
    }
}

/// 429, with how long to wait.
pub fn too_many(wait_ms: i64) -> Problem {
    let seconds = u32::try_from(wait_ms.max(1).div_euclid(1_000) + 1).unwrap_or(u32::MAX);
    let detail = format!("too many attempts: wait {seconds} s");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate-limit", detail).retry_after(seconds)
}

/// The person with this address and password. Whether there is such a person shows neither in the answer nor in how long it takes.
///
/// # Errors
/// 401, or 429 after too many attempts.
pub async fn verified(
    app: &App,
    client: &Client,
    email: &str,
    password: &Secret,
) -> Result<User, Problem> {
    let email = people::email(email).map_err(|detail| Problem::invalid("email", detail))?;
    client.attempt(app, &email)?;
    let mut tx = app.store.begin_read().await?;
    let user = users::by_email(&mut tx, &email).await?;
    drop(tx);
    let user = user.filter(|user| user.disabled_at.is_none());
    let kept = user.as_ref().and_then(|user| user.password.as_deref());
    let right = app.passwords.verify(password, kept).await?;
    match user {
        Some(user) if right => {
            client.succeeded(app, &email);
            Ok(user)
        }
        _ => {
            tracing::info!(origin = client.address, "a sign-in was refused");
            let detail = "this is not the address and the password of anybody here";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "sign-in", detail))
        }
    }
}

/// Begins a session; answers its cookie.
///
/// # Errors
/// What the database says.
pub async fn begin_session(
    app: &App,
    client: &Client,
    tx: &mut Tx,
    user: &mut User,
) -> Result<HeaderValue, Problem> {
    let text = token::generate(session::PREFIX, &app.random)?;
    let now = app.clock.now_ms();
    user.last_sign_in_at = Some(now);
    users::update(tx, user).await?;
    let row = Session {
        id: app.random.id()?,
        user_id: user.id.clone(),
        sha256: token::sha256(&text).to_vec(),
        created_at: now,
        last_seen_at: now,
        address: client.address.clone(),
        user_agent: client.user_agent.clone(),
    };
    sign_ins::insert_session(tx, &row, session::MAX_SESSIONS).await?;
    session::set(&text, app.settings.is_https())
        .ok_or_else(|| Problem::internal(&"a session's cookie is no header"))
}

/// The person as they are now, locked for a change on PostgreSQL by the write that follows.
///
/// # Errors
/// 404 when there is no such person.
pub async fn person(tx: &mut Tx, id: &str) -> Result<User, Problem> {
    let user: Result<Option<User>, StoreError> = users::get(tx, id).await;
    user?.ok_or_else(|| Problem::not_found("there is no such person"))
}

/// An answer that begins or ends a session.
#[derive(Debug)]
pub struct WithCookie<T>(pub HeaderValue, pub T);

impl<T: IntoResponse> IntoResponse for WithCookie<T> {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        response.headers_mut().insert(header::SET_COOKIE, self.0);
        response
    }
}

impl<T: OperationOutput> OperationOutput for WithCookie<T> {
    type Inner = T::Inner;

    fn operation_response(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Option<Documented> {
        T::operation_response(context, operation)
    }

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Status>, Documented)> {
        T::inferred_responses(context, operation)
    }
}

/// A secret, or what belongs to one: no cache keeps it.
#[derive(Debug)]
pub struct Private<T>(pub T);

impl<T: Serialize> IntoResponse for Private<T> {
    fn into_response(self) -> Response {
        ([(header::CACHE_CONTROL, "no-store")], Json(self.0)).into_response()
    }
}

impl<T: JsonSchema> OperationOutput for Private<T> {
    type Inner = T;

    fn operation_response(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Option<Documented> {
        Json::<T>::operation_response(context, operation)
    }

    fn inferred_responses(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<Status>, Documented)> {
        Json::<T>::inferred_responses(context, operation)
    }
}
