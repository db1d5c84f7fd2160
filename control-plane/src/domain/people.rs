//! What people are called, and what a password must be.

/// The longest e-mail address, in bytes (RFC 5321 section 4.5.3.1.3, less the angle brackets).
pub const MAX_EMAIL_BYTES: usize = 254;
/// What an address looks like, as a regular expression.
pub const EMAIL_PATTERN: &str = "^[!-?A-~]+@[!-?A-~]+$";
/// The shortest password, in characters. NIST SP 800-63B-4 asks for 15 where nothing else protects, 8 otherwise; guesses are slowed down here.
pub const MIN_PASSWORD_CHARACTERS: usize = 12;
/// The longest password, in bytes: long enough for any sentence, short enough to hash.
pub const MAX_PASSWORD_BYTES: usize = 1_024;

/// The address as it is kept: in lower case, so that nobody is two people.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn email(text: &str) -> Result<String, String> {
    let parts = text.split_once('@');
    let sound = text.len() <= MAX_EMAIL_BYTES
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && parts.is_some_and(|(local, host)| {
            !local.is_empty() && !host.is_empty() && !host.contains('@')
        });
    if sound {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(format!(
            "give an e-mail address such as ada@example.com: ASCII, at most {MAX_EMAIL_BYTES} bytes"
        ))
    }
}

/// Whether it may become the password of this person.
///
/// # Errors
/// A sentence that says what is wrong, without the password.
pub fn check_password(password: &str, email: &str) -> Result<(), String> {
    if password.chars().count() < MIN_PASSWORD_CHARACTERS {
        return Err(format!("a password has at least {MIN_PASSWORD_CHARACTERS} characters"));
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(format!("a password has at most {MAX_PASSWORD_BYTES} bytes"));
    }
    if password.eq_ignore_ascii_case(email) {
        return Err("a password is not one's e-mail address".to_owned());
    }
    let first = password.chars().next();
    if password.chars().all(|character| Some(character) == first) {
        return Err("a password is more than one character over and over".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(email("Ada@Example.COM"), Ok("ada@example.com".to_owned()));
        let long = format!("{}@example.com", "a".repeat(MAX_EMAIL_BYTES));
        for bad in ["", "ada", "@example.com", "ada@", "a@b@c", "a b@c", "a\n@c", "ä@c", &long] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passwords() {
        assert_eq!(check_password("correct horse battery", "ada@example.com"), Ok(()));
        assert_eq!(check_password("zwölf Zeiche", "ada@example.com"), Ok(()));
        let long = "ab".repeat(MAX_PASSWORD_BYTES);
        for bad in ["", "short", "elevencharz", "Ada@example.com", "aaaaaaaaaaaaaaaa", &long] {
            assert!(check_password(bad, "ada@example.com").is_err(), "{bad:?}");
        }
    }
}
