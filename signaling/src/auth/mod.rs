//! Who somebody is and what they may do: buyers by tokens their shop signed, staff by password and cookie.

pub mod buyer_token;
mod context;
pub mod cookie;
mod jwt_crypto;
mod limit;
pub mod mask;
mod master_key;
pub mod password;
mod roles;
pub mod secret;
mod signing_key;

pub(crate) use context::is_language;
pub use jwt_crypto::install as install_jwt_crypto;
pub use limit::LoginLimit;
pub(crate) use master_key::write_secret;
pub use master_key::{MasterKey, MasterKeyError};
pub use roles::{Action, check_changes, name_of, rights, rights_of};
pub use signing_key::{PublicKey, SigningKey};
