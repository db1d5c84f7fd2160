//! `/auth/setup`: the first person of an installation.

use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::account::{Me, me};
use super::client::{Client, Private, WithCookie, begin_session};
use crate::app::App;
use crate::auth::actor::{Who, by_token};
use crate::auth::password::Secret;
use crate::domain::keys::check_name;
use crate::domain::people;
use crate::domain::role::Rights;
use crate::routes::body::JsonBody;
use crate::routes::problem::Problem;
use crate::store::users::{self, User};

/// What is throttled when somebody guesses the token.
const ACCOUNT: &str = "set-up";

/// Whether somebody has to set this installation up.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SetUp")]
pub struct Needed {
    /// True while there is no person here.
    needed: bool,
}

/// `GET`
pub async fn get(State(app): State<App>) -> Result<Private<Needed>, Problem> {
    let mut tx = app.store.begin_read().await?;
    Ok(Private(Needed { needed: users::none(&mut tx).await? }))
}

/// The first person.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewOwner")]
pub struct NewOwner {
    /// The admin token that the first start printed or wrote into a file; `pennon token` makes another.
    token: Secret,
    email: String,
    name: Option<String>,
    /// At least 12 characters.
    password: Secret,
}

/// `POST`: makes the owner of the instance, and signs them in.
pub async fn post(
    State(app): State<App>,
    client: Client,
    JsonBody(new): JsonBody<NewOwner>,
) -> Result<WithCookie<Private<Me>>, Problem> {
    client.not_foreign()?;
    let (email, name) = checked(&new.email, new.name, &new.password)?;
    client.attempt(&app, ACCOUNT)?;
    let owner = match by_token(&app, new.token.reveal()).await {
        Ok((Who::Token(_), Rights::Instance)) => true,
        Ok(_) => false,
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => false,
        Err(problem) => return Err(problem),
    };
    if !owner {
        let detail = "this is not the admin token that the first start printed; `pennon token` makes another";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "token", detail));
    }
    client.succeeded(&app, ACCOUNT);
    let password = app.passwords.hash(&new.password, &app.random).await?;
    let mut tx = app.store.begin_alone().await?;
    if !users::none(&mut tx).await? {
        return Err(Problem::conflict("this installation is set up already: sign in"));
    }
    let mut user = User {
        id: app.random.id()?,
        email,
        name,
        password: Some(password),
        instance_owner: true,
        created_at: app.clock.now_ms(),
        disabled_at: None,
        last_sign_in_at: None,
    };
    users::insert(&mut tx, &user).await?;
    let cookie = begin_session(&app, &client, &mut tx, &mut user).await?;
    let me = me(&mut tx, &user, &Rights::Instance).await?;
    tx.commit().await.map_err(crate::store::StoreError::from)?;
    tracing::info!(user = user.id, origin = client.address, "this installation is set up");
    Ok(WithCookie(cookie, Private(me)))
}

/// The address and the name of somebody new, in order; by default a person is called what stands before the @.
///
/// # Errors
/// 422 naming the field.
pub fn checked(
    email: &str,
    name: Option<String>,
    password: &Secret,
) -> Result<(String, String), Problem> {
    let (email, name) = named(email, name)?;
    people::check_password(password.reveal(), &email)
        .map_err(|detail| Problem::invalid("password", detail))?;
    Ok((email, name))
}

/// The same without a password.
///
/// # Errors
/// 422 naming the field.
pub fn named(email: &str, name: Option<String>) -> Result<(String, String), Problem> {
    let email = people::email(email).map_err(|detail| Problem::invalid("email", detail))?;
    let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
    check_name(&name).map_err(|detail| Problem::invalid("name", detail))?;
    Ok((email, name))
}
