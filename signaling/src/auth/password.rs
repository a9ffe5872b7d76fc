//! Passwords of staff: argon2id with the crate's default cost (19 MiB, 2 passes, OWASP's first choice).

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};

use super::secret::random;

/// Longest password taken, bytes: nobody shall buy server time with a megabyte of password.
pub const PASSWORD_MAX: usize = 512;

/// Salts and hashes a password into a PHC string. Takes tens of milliseconds: run it off the async threads.
pub fn hash(password: &str) -> String {
    let salt: [u8; 16] = random();
    Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("argon2's own parameters and a salt of 16 bytes are valid")
        .to_string()
}

/// Whether a password belongs to a PHC string. Takes tens of milliseconds, also when the string is broken, so
/// that the time taken does not tell whether an account exists.
pub fn verify(password: &str, phc: Option<&str>) -> bool {
    match phc.map(PasswordHash::new) {
        Some(Ok(parsed)) => Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok(),
        _ => {
            hash(password);
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash_and_two_hashes_differ() {
        let phc = hash("correct horse");
        assert!(phc.starts_with("$argon2id$"));
        assert!(verify("correct horse", Some(&phc)));
        assert!(!verify("wrong horse", Some(&phc)));
        assert!(!verify("correct horse", Some("not a hash")));
        assert!(!verify("correct horse", None));
        assert_ne!(phc, hash("correct horse"));
    }
}
