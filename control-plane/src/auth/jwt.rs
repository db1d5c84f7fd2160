//! Access tokens for programs: JWT (RFC 7519), HS256 under a key of this installation that is kept sealed. They live fifteen minutes; who they
//! are of, and whether their sign-in was revoked, is asked of the database all the same.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use signature::{Signer, Verifier};

use super::seal;
use crate::ambient::Random;
use crate::store::{Store, StoreError, instance};

/// How long an access token lives.
pub const LIFETIME_S: i64 = 15 * 60;
/// Whom they are for.
pub const AUDIENCE: &str = "pennon-admin";
/// Clocks of replicas may differ by so much.
const LEEWAY_S: i64 = 5;
/// The fact that holds the sealed key, and what it was sealed for.
const KEY: &str = "jwt-key";

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// The user's id.
    pub sub: String,
    /// The sign-in that it belongs to.
    pub family: String,
    /// Unix seconds.
    pub iat: i64,
    /// Unix seconds.
    pub nbf: i64,
    /// Unix seconds.
    pub exp: i64,
}

/// Makes and reads them.
pub struct Jwt {
    encoding: EncodingKey,
    decoding: DecodingKey,
    issuer: String,
}

impl std::fmt::Debug for Jwt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Jwt").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Jwt {
    /// Opens this installation's key; the first replica makes it.
    ///
    /// # Errors
    /// What the database says, or that the configured secret is another one.
    pub async fn load(
        store: &Store,
        secret: &[u8; 32],
        random: &Random,
        root_fingerprint: &[u8; 32],
    ) -> Result<Self, StoreError> {
        let unusable = |error: &dyn std::fmt::Display| StoreError::Unusable(error.to_string());
        let mut tx = store.begin_alone().await?;
        let key = match instance::get(&mut tx, KEY).await? {
            Some(sealed) => seal::open(secret, KEY, &sealed).map_err(|error| unusable(&error))?,
            None => {
                let key = random.bytes::<32>().map_err(|error| unusable(&error))?;
                let sealed =
                    seal::seal(secret, KEY, &key, random).map_err(|error| unusable(&error))?;
                instance::insert(&mut tx, KEY, &sealed).await?;
                tx.commit().await?;
                key.to_vec()
            }
        };
        Ok(Self::new(&key, root_fingerprint))
    }

    /// With a key in hand.
    pub fn new(key: &[u8], root_fingerprint: &[u8; 32]) -> Self {
        install();
        Self {
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            issuer: format!("urn:pennon:{}", URL_SAFE_NO_PAD.encode(root_fingerprint)),
        }
    }

    /// A new token.
    ///
    /// # Errors
    /// Never, as far as is known; what the library says.
    pub fn issue(&self, user_id: &str, family: &str, now_ms: i64) -> Result<String, Error> {
        let now = now_ms.div_euclid(1_000);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: user_id.to_owned(),
            family: family.to_owned(),
            iat: now,
            nbf: now,
            exp: now + LIFETIME_S,
        };
        self.encode(&claims)
    }

    /// These claims, signed.
    ///
    /// # Errors
    /// See [`Jwt::issue`].
    pub fn encode(&self, claims: &Claims) -> Result<String, Error> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.encoding)
    }

    /// What a token says, when it is good now. The times are compared here, with the injected clock.
    pub fn read(&self, token: &str, now_ms: i64) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation).ok()?.claims;
        let now = now_ms.div_euclid(1_000);
        (now < claims.exp && claims.nbf <= now + LEEWAY_S).then_some(claims)
    }
}

/// Whether a bearer token looks like one of these.
pub fn looks_like(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// The library takes its cryptography from a provider; this one knows HS256 and nothing else, so that no other algorithm can be talked into.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| {
        only_hs256(algorithm)?;
        Ok(Box::new(Hs256(mac(key.as_bytes())?)))
    },
    verifier_factory: |algorithm, key| {
        only_hs256(algorithm)?;
        Ok(Box::new(Hs256(mac(key.try_get_as_bytes()?)?)))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

fn install() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        if PROVIDER.install_default().is_err() {
            tracing::debug!("a provider for JWT is installed already");
        }
    });
}

fn only_hs256(algorithm: &Algorithm) -> Result<(), Error> {
    if *algorithm == Algorithm::HS256 { Ok(()) } else { Err(ErrorKind::InvalidAlgorithm.into()) }
}

fn mac(key: &[u8]) -> Result<Hmac<Sha256>, Error> {
    Hmac::new_from_slice(key).map_err(|_| ErrorKind::InvalidKeyFormat.into())
}

struct Hs256(Hmac<Sha256>);

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        // Compares in constant time.
        let mac = self.0.clone().chain_update(message);
        mac.verify_slice(signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    /// Header and claims as they are, with a good HMAC-SHA256 under this key.
    fn forged(header: &Value, claims: &Value, key: &[u8]) -> String {
        let message = format!("{}.{}", part(header), part(claims));
        let signature = Hs256(mac(key).unwrap()).try_sign(message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn only_what_was_made_here_is_read() {
        let jwt = Jwt::new(&[7; 32], &[1; 32]);
        let good = jwt.issue("user", "family", NOW).unwrap();
        let claims = jwt.read(&good, NOW).unwrap();
        assert_eq!((claims.sub.as_str(), claims.family.as_str()), ("user", "family"));
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        let said = json!(claims);
        let with = |name: &str, value: Value| {
            let mut said = said.clone();
            said[name] = value;
            said
        };
        let without = |name: &str| {
            let mut said = said.clone();
            said.as_object_mut().unwrap().remove(name);
            said
        };
        let sign = |claims: &Value| forged(&header, claims, &[7; 32]);
        // The forger's tool is sound: with the right key and claims it makes a good token.
        assert!(jwt.read(&sign(&said), NOW).is_some());
        let (message, signature) = good.rsplit_once('.').unwrap();
        let (head, body) = message.split_once('.').unwrap();
        let unsigned = format!("{}.{body}.", part(&json!({ "alg": "none" })));
        let mut bent = signature.to_owned();
        bent.replace_range(0..1, if bent.starts_with('A') { "B" } else { "A" });
        let now = NOW / 1_000;
        let cases: Vec<(&str, String)> = vec![
            ("alg none", unsigned.clone()),
            (
                "alg None",
                unsigned
                    .replace(&part(&json!({ "alg": "none" })), &part(&json!({ "alg": "None" }))),
            ),
            ("alg none with a signature", format!("{unsigned}{signature}")),
            ("no alg", forged(&json!({ "typ": "JWT" }), &said, &[7; 32])),
            ("alg HS384, signed as HS256", forged(&json!({ "alg": "HS384" }), &said, &[7; 32])),
            ("alg HS512, signed as HS256", forged(&json!({ "alg": "HS512" }), &said, &[7; 32])),
            ("alg RS256, signed as HS256", forged(&json!({ "alg": "RS256" }), &said, &[7; 32])),
            ("alg EdDSA, signed as HS256", forged(&json!({ "alg": "EdDSA" }), &said, &[7; 32])),
            ("another key", forged(&header, &said, &[8; 32])),
            ("an empty key", forged(&header, &said, &[])),
            ("a bent signature", format!("{message}.{bent}")),
            ("no signature", format!("{message}.")),
            (
                "another body under the signature",
                format!("{head}.{}.{signature}", part(&with("sub", json!("root")))),
            ),
            ("another audience", sign(&with("aud", json!("somebody")))),
            ("many audiences, not ours", sign(&with("aud", json!(["a", "b"])))),
            ("no audience", sign(&without("aud"))),
            ("another installation's issuer", sign(&with("iss", json!("urn:pennon:other")))),
            ("no issuer", sign(&without("iss"))),
            ("expired", sign(&with("exp", json!(now)))),
            ("expired long ago", sign(&with("exp", json!(1)))),
            ("no end", sign(&without("exp"))),
            ("not yet valid", sign(&with("nbf", json!(now + LEEWAY_S + 1)))),
            ("no beginning", sign(&without("nbf"))),
            ("nobody", sign(&without("sub"))),
            ("no sign-in", sign(&without("family"))),
            ("an end that is text", sign(&with("exp", json!("9999999999")))),
            ("two parts", message.to_owned()),
            ("four parts", format!("{good}.{signature}")),
            ("empty parts", "..".to_owned()),
            ("no base64", "!.!.!".to_owned()),
        ];
        for (name, token) in &cases {
            assert_eq!(jwt.read(token, NOW), None, "{name}: {token}");
        }
        let other = Jwt::new(&[7; 32], &[2; 32]);
        assert_eq!(other.read(&good, NOW), None, "another installation with the same key");
        assert!(jwt.read(&good, NOW + LIFETIME_S * 1_000 - 1).is_some());
        assert_eq!(jwt.read(&good, NOW + LIFETIME_S * 1_000), None, "its time is over");
        assert!(looks_like(&good) && !looks_like("pna_x"));
    }
}
